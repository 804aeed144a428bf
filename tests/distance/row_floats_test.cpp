#include "distance/row_floats.h"

#include "support/elements.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::distance {
namespace {

constexpr std::uint64_t kSeed = 41;

void check_elements(ElementType type, Metric metric, std::size_t dimension) {
    base::Random random(kSeed);
    const auto row = test::random_elements(type, dimension, random);
    std::vector<float> out(dimension, -1);
    row_floats(row.data(), type, metric, out);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < dimension; ++i) {
        const std::byte* element = row.data() + i * element_size_bytes(type);
        wrong += double{out[i]} == test::get_element(element, type) ? 0 : 1;
    }
    CAPTURE(name_of(type));
    CAPTURE(name_of(metric));
    CAPTURE(dimension);
    CHECK(wrong == 0);
}

TEST_SUITE("distance") {
    TEST_CASE("elements of every type become the same numbers as floats") {
        for (const ElementType type : test::kElementTypes) {
            for (const Metric metric : {Metric::kL2, Metric::kInnerProduct}) {
                for (const std::size_t dimension : {1U, 7U, 128U, 1001U})
                    check_elements(type, metric, dimension);
            }
        }
    }

    TEST_CASE("a row may begin at any address") {
        base::Random random(kSeed + 1);
        const auto row = test::random_elements(ElementType::kFloat32, 9, random);
        std::vector<std::byte> shifted(row.size() + 1);
        std::copy(row.begin(), row.end(), shifted.begin() + 1);
        std::vector<float> expected(9);
        std::vector<float> found(9);
        row_floats(row.data(), ElementType::kFloat32, Metric::kL2, expected);
        row_floats(shifted.data() + 1, ElementType::kFloat32, Metric::kL2, found);
        CHECK(found == expected);
    }

    TEST_CASE("under cosine rows of every type keep their direction and get unit length") {
        base::Random random(kSeed + 2);
        for (const ElementType type : test::kElementTypes) {
            for (const std::size_t dimension : {1U, 2U, 100U, 4096U}) {
                CAPTURE(name_of(type));
                CAPTURE(dimension);
                const auto row = test::random_elements(type, dimension, random);
                std::vector<float> plain(dimension);
                std::vector<float> unit(dimension);
                row_floats(row.data(), type, Metric::kL2, plain);
                row_floats(row.data(), type, Metric::kCosine, unit);
                const double norm = std::sqrt(squared_norm(plain));
                CHECK(squared_norm(unit) == doctest::Approx(1).epsilon(1e-6));
                std::size_t wrong = 0;
                for (std::size_t i = 0; i < dimension; ++i)
                    wrong += std::abs(double{unit[i]} - double{plain[i]} / norm) < 1e-6 ? 0 : 1;
                CHECK(wrong == 0);
            }
        }
    }

    TEST_CASE("a zero vector stays zero under every metric") {
        for (const ElementType type : test::kElementTypes) {
            for (const Metric metric : test::kMetrics) {
                CAPTURE(name_of(type));
                CAPTURE(name_of(metric));
                const std::vector<std::byte> row(6 * element_size_bytes(type));
                std::vector<float> out(6, 3.0F);
                row_floats(row.data(), type, metric, out);
                CHECK(out == std::vector<float>(6, 0.0F));
            }
        }
    }

    TEST_CASE("large floats are scaled without overflow") {
        const std::vector<float> huge = {3e30F, -4e30F};
        std::vector<std::byte> row(8);
        test::put(row.data(), huge[0]);
        test::put(row.data() + 4, huge[1]);
        CHECK(squared_norm(huge) == doctest::Approx(25e60));
        std::vector<float> unit(2);
        row_floats(row.data(), ElementType::kFloat32, Metric::kCosine, unit);
        CHECK(unit[0] == doctest::Approx(0.6));
        CHECK(unit[1] == doctest::Approx(-0.8));
    }

    TEST_CASE("rows too long for floats, or too short to have a direction, are found") {
        const auto found = [](std::vector<float> values, Metric metric) {
            const auto rows = static_cast<std::uint64_t>(values.size() / 2);
            const auto bytes = std::as_bytes(std::span(values));
            return first_unfit_length({bytes.data(), ElementType::kFloat32, rows, 2}, metric).row;
        };
        for (const Metric metric : {Metric::kL2, Metric::kInnerProduct, Metric::kCosine}) {
            CHECK(found({1, 2, 0, 0, 1e-18F, 0}, metric) == 3);
            CHECK(found({1, 2, 4e18F, 0, 1, 1}, metric) == 1);
        }
        const std::vector<float> is_short = {1, 2, 3e-19F, 0};
        CHECK(found(is_short, Metric::kL2) == 2);
        CHECK(found(is_short, Metric::kInnerProduct) == 2);
        CHECK(found(is_short, Metric::kCosine) == 1);
    }

    TEST_CASE("the squared norm is summed in double") {
        // In float the ones would vanish beside 2^30.
        std::vector<float> values(1001, 1.0F);
        values[0] = 32768.0F;
        CHECK(squared_norm(values) == 0x1.0p30 + 1000);
        CHECK(squared_norm({}) == 0);
    }
}

}  // namespace
}  // namespace trackway::distance
