#include "distance/distance.h"
#include "support/elements.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace trackway::distance {
namespace {

using Bytes = std::vector<std::byte>;

// Every element is one and the same value.
Bytes filled(ElementType type, std::uint32_t dimension, double value) {
    const std::size_t size = element_size_bytes(type);
    Bytes bytes(dimension * size);
    for (std::size_t i = 0; i < dimension; ++i)
        test::put_element(bytes.data() + i * size, type, value);
    return bytes;
}

// The distance as a single row, and as one of a batch, which must not differ.
float distance_of(const KernelTable& table, Metric metric, ElementType type, const Bytes& query,
                  const Bytes& row) {
    const auto m = static_cast<std::size_t>(metric) - 1;
    const auto kernel = table.distances[m][static_cast<std::size_t>(type) - 1];
    const auto dimension = static_cast<std::uint32_t>(row.size() / element_size_bytes(type));
    const std::vector<std::uint32_t> ids(5, 0);
    std::vector<float> out(5);
    kernel(query.data(), {row.data(), row.size(), ids.data(), 5}, dimension, out.data());
    for (const float other : out)
        CHECK(other == out[0]);
    return out[0];
}

constexpr std::uint32_t kLongDimensions[] = {kMaxDimension, kMaxDimension - 1, kMaxDimension - 33};

// Two vectors that hold one number each.
struct Constants {
    std::int64_t query;
    std::int64_t row;
};

void check_integers(const KernelTable& table, ElementType type, std::uint32_t dimension,
                    const Constants& values) {
    const Bytes query = filled(type, dimension, static_cast<double>(values.query));
    const Bytes row = filled(type, dimension, static_cast<double>(values.row));
    const std::int64_t difference = values.query - values.row;
    const std::int64_t l2 = difference * difference * dimension;
    const std::int64_t dot = values.query * values.row * dimension;
    CHECK(distance_of(table, Metric::kL2, type, query, row) == static_cast<float>(l2));
    CHECK(distance_of(table, Metric::kInnerProduct, type, query, row) == static_cast<float>(-dot));
    const double cosine = dot == 0 ? 0 : dot > 0 ? 1 : -1;
    const float found = distance_of(table, Metric::kCosine, type, query, row);
    CHECK(std::abs(double{found} - (1 - cosine)) <= (dot == 0 ? 0 : 1e-6));
}

void check_integers(ElementType type, const Constants& values) {
    CAPTURE(values.query);
    CAPTURE(values.row);
    for (const std::uint32_t dimension : kLongDimensions) {
        for (const KernelTable& table : available_kernels()) {
            CAPTURE(name_of(table.isa));
            CAPTURE(dimension);
            check_integers(table, type, dimension, values);
        }
    }
}

// Every element of the query is 3 x scale, every one of the row -scale.
void check_floats(const KernelTable& table, std::uint32_t dimension, double scale) {
    constexpr ElementType kType = ElementType::kFloat32;
    const Bytes query = filled(kType, dimension, 3 * scale);
    const Bytes row = filled(kType, dimension, -scale);
    const double square = scale * scale * dimension;
    const double l2 = distance_of(table, Metric::kL2, kType, query, row);
    CHECK(std::abs(l2 - 16 * square) <= 16e-5 * square);
    const double inner_product = distance_of(table, Metric::kInnerProduct, kType, query, row);
    CHECK(std::abs(inner_product - 3 * square) <= 3e-5 * square);
    const double cosine = distance_of(table, Metric::kCosine, kType, query, row);
    CHECK(std::abs(cosine - 2) <= 1e-5);
}

TEST_SUITE("distance") {
    TEST_CASE("the ends of uint8 do not overflow at the largest dimension") {
        check_integers(ElementType::kUint8, {0, 0});
        check_integers(ElementType::kUint8, {255, 0});
        check_integers(ElementType::kUint8, {0, 255});
        check_integers(ElementType::kUint8, {255, 255});
    }

    TEST_CASE("the ends of int8 do not overflow at the largest dimension") {
        check_integers(ElementType::kInt8, {-128, 127});
        check_integers(ElementType::kInt8, {127, -128});
        check_integers(ElementType::kInt8, {-128, -128});
        check_integers(ElementType::kInt8, {127, 127});
        check_integers(ElementType::kInt8, {-128, 0});
    }

    TEST_CASE("a single odd byte in a long row is not lost") {
        for (const std::uint32_t dimension : kLongDimensions) {
            for (const std::uint32_t place : {0U, 15U, 16U, dimension - 17, dimension - 1}) {
                const Bytes query = filled(ElementType::kUint8, dimension, 0);
                Bytes row = query;
                row[place] = std::byte{200};
                for (const KernelTable& table : available_kernels()) {
                    CAPTURE(name_of(table.isa));
                    CAPTURE(place);
                    CHECK(distance_of(table, Metric::kL2, ElementType::kUint8, query, row) ==
                          40'000);
                }
            }
        }
    }

    TEST_CASE("a zero vector is at cosine distance 1 from everything, and from itself") {
        for (const ElementType type : test::kElementTypes) {
            for (const std::uint32_t dimension : {1U, 3U, 16U, 65U}) {
                const Bytes zero = filled(type, dimension, 0);
                const Bytes other = filled(type, dimension, 3);
                for (const KernelTable& table : available_kernels()) {
                    CAPTURE(name_of(table.isa));
                    CAPTURE(name_of(type));
                    CAPTURE(dimension);
                    CHECK(distance_of(table, Metric::kCosine, type, zero, other) == 1);
                    CHECK(distance_of(table, Metric::kCosine, type, other, zero) == 1);
                    CHECK(distance_of(table, Metric::kCosine, type, zero, zero) == 1);
                }
            }
        }
    }

    TEST_CASE("zeros of both signs are zero vectors") {
        const Bytes negative = filled(ElementType::kFloat32, 9, -0.0);
        const Bytes other = filled(ElementType::kFloat32, 9, 1);
        for (const KernelTable& table : available_kernels()) {
            CAPTURE(name_of(table.isa));
            CHECK(distance_of(table, Metric::kCosine, ElementType::kFloat32, negative, other) == 1);
            CHECK(distance_of(table, Metric::kL2, ElementType::kFloat32, negative, other) == 9);
        }
    }

    TEST_CASE("large and small floats keep their relative precision") {
        for (const double scale : {1e-15, 1e-9, 1e9, 1e15}) {
            for (const std::uint32_t dimension : {1U, 5U, 16U, 100U}) {
                for (const KernelTable& table : available_kernels()) {
                    CAPTURE(name_of(table.isa));
                    CAPTURE(scale);
                    CAPTURE(dimension);
                    check_floats(table, dimension, scale);
                }
            }
        }
    }

    TEST_CASE("float16 reaches from its smallest to its largest number") {
        constexpr double kLargest = 65504;
        constexpr double kSmallest = 0x1.0p-24;
        const std::pair<double, double> values[] = {
            {kLargest, -kLargest}, {kSmallest, -kSmallest}, {kLargest, kSmallest}};
        for (const auto& pair : values) {
            const Bytes query = filled(ElementType::kFloat16, kMaxDimension, pair.first);
            const Bytes row = filled(ElementType::kFloat16, kMaxDimension, pair.second);
            const double difference = pair.first - pair.second;
            for (const KernelTable& table : available_kernels()) {
                CAPTURE(name_of(table.isa));
                CAPTURE(pair.first);
                const double l2 =
                    distance_of(table, Metric::kL2, ElementType::kFloat16, query, row);
                // The plain loop adds 16384 rounding errors of the same sign.
                CHECK(l2 == doctest::Approx(difference * difference * kMaxDimension).epsilon(1e-3));
            }
        }
    }

    TEST_CASE("squares beyond float give infinity, not NaN") {
        const Bytes query = filled(ElementType::kFloat32, 33, 3e38);
        const Bytes row = filled(ElementType::kFloat32, 33, -3e38);
        for (const KernelTable& table : available_kernels()) {
            CAPTURE(name_of(table.isa));
            CHECK(std::isinf(distance_of(table, Metric::kL2, ElementType::kFloat32, query, row)));
            CHECK(distance_of(table, Metric::kL2, ElementType::kFloat32, query, query) == 0);
        }
    }
}

}  // namespace
}  // namespace trackway::distance
