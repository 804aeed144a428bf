#include "distance/distance.h"

#include "support/elements.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace trackway::distance {
namespace {

using test::get_element;
using test::is_integer;

constexpr std::uint64_t kSeed = 21;
constexpr std::size_t kRows = 19;

// A reference distance, and how far a kernel may lie from it.
struct Expected {
    double value = 0;
    double tolerance = 0;  // 0: equal to the bit
};

Expected expected_distance(Metric metric, ElementType type, std::span<const double> query,
                           std::span<const double> row) {
    double l2 = 0;
    double dot = 0;
    double size = 0;  // of the terms of dot
    double query_norm = 0;
    double row_norm = 0;
    for (std::size_t i = 0; i < query.size(); ++i) {
        // Integers below 2^53: these sums are exact.
        l2 += (query[i] - row[i]) * (query[i] - row[i]);
        dot += query[i] * row[i];
        size += std::abs(query[i] * row[i]);
        query_norm += query[i] * query[i];
        row_norm += row[i] * row[i];
    }
    const double share = is_integer(type) ? 0 : 1e-5;
    if (metric == Metric::kL2) return {double{static_cast<float>(l2)}, share * l2};
    if (metric == Metric::kInnerProduct) return {-double{static_cast<float>(dot)}, share * size};
    if (query_norm == 0 || row_norm == 0) return {1, 0};
    return {1 - dot / std::sqrt(query_norm) / std::sqrt(row_norm), 1e-5};
}

bool agrees(float found, const Expected& expected) {
    return std::abs(double{found} - expected.value) <= expected.tolerance;
}

std::vector<double> numbers_of(const std::byte* row, ElementType type, std::uint32_t dimension) {
    std::vector<double> numbers;
    for (std::size_t i = 0; i < dimension; ++i)
        numbers.push_back(get_element(row + i * element_size_bytes(type), type));
    return numbers;
}

// A query and rows, each at the end of an allocation of its exact size, so that the sanitizer sees
// a read beyond them.
class Matrix {
public:
    Matrix(ElementType type, std::uint32_t dimension, std::size_t gap_elements = 0)
        : type_(type),
          dimension_(dimension),
          stride_((dimension + gap_elements) * element_size_bytes(type)) {
        base::Random random(kSeed + dimension);
        query_ = test::random_elements(type, dimension, random);
        const auto size = element_size_bytes(type);
        // One element in front: rows are aligned to their element type and no more.
        rows_ = test::random_elements(type, 1 + (kRows - 1) * (stride_ / size) + dimension, random);
        const auto query = numbers_of(query_.data(), type, dimension);
        for (const Metric metric : test::kMetrics) {
            for (std::size_t i = 0; i < kRows; ++i) {
                const auto row = numbers_of(rows_.data() + size + i * stride_, type, dimension);
                expected_.push_back(expected_distance(metric, type, query, row));
            }
        }
    }

    // The last `count` rows in order, or the rows that ids name; the number of wrong answers.
    std::size_t wrong(const KernelTable& table, Metric metric, std::size_t count,
                      const std::vector<std::uint32_t>* ids) const {
        const std::size_t first = ids != nullptr ? 0 : kRows - count;
        const Rows rows{.base = rows_.data() + element_size_bytes(type_) + first * stride_,
                        .stride_bytes = stride_,
                        .ids = ids != nullptr ? ids->data() : nullptr,
                        .count = count};
        const auto m = static_cast<std::size_t>(metric) - 1;
        const auto t = static_cast<std::size_t>(type_) - 1;
        std::vector<float> out(count, -1e30F);
        table.distances[m][t](query_.data(), rows, dimension_, out.data());
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t row = ids != nullptr ? (*ids)[i] : first + i;
            wrong += agrees(out[i], expected_[m * kRows + row]) ? 0 : 1;
        }
        return wrong;
    }

private:
    ElementType type_;
    std::uint32_t dimension_;
    std::size_t stride_;
    std::vector<std::byte> query_;
    std::vector<std::byte> rows_;
    std::vector<Expected> expected_;  // metric by metric, row by row
};

// Row numbers in no order, with repeats and with the last row, in an exact allocation.
std::vector<std::uint32_t> scattered_ids(std::size_t count) {
    std::vector<std::uint32_t> ids(count);
    for (std::size_t i = 0; i < count; ++i)
        ids[i] = static_cast<std::uint32_t>((kRows - 1 + i * 7 + i / 5) % kRows);
    return ids;
}

void check_counts(const KernelTable& table, Metric metric, const Matrix& matrix) {
    for (const std::size_t count : {0U, 1U, 3U, 4U, 5U, 17U}) {
        const auto ids = scattered_ids(count);
        CAPTURE(count);
        CHECK(matrix.wrong(table, metric, count, nullptr) == 0);
        CHECK(matrix.wrong(table, metric, count, &ids) == 0);
    }
}

void check_dimension(ElementType type, std::uint32_t dimension, std::size_t gap_elements) {
    const Matrix matrix(type, dimension, gap_elements);
    for (const KernelTable& table : available_kernels()) {
        for (const Metric metric : test::kMetrics) {
            CAPTURE(kSeed);
            CAPTURE(name_of(table.isa));
            CAPTURE(name_of(metric));
            CAPTURE(name_of(type));
            CAPTURE(dimension);
            check_counts(table, metric, matrix);
        }
    }
}

TEST_SUITE("distance") {
    TEST_CASE("every table agrees with exact sums at small dimensions") {
        for (const ElementType type : test::kElementTypes) {
            for (std::uint32_t dimension = 1; dimension <= 70; ++dimension)
                check_dimension(type, dimension, 0);
        }
    }

    TEST_CASE("every table agrees with exact sums at the dimensions of real embeddings") {
        for (const ElementType type : test::kElementTypes) {
            for (const std::uint32_t dimension : {96U, 100U, 127U, 128U, 200U, 768U, 960U, 1536U})
                check_dimension(type, dimension, 0);
        }
    }

    TEST_CASE("rows may lie further apart than they are long") {
        for (const ElementType type : test::kElementTypes) {
            for (const std::uint32_t dimension : {1U, 7U, 33U, 100U})
                check_dimension(type, dimension, 5);
        }
    }

    TEST_CASE("the scalar table is the last, and every table has its own name") {
        const auto tables = available_kernels();
        REQUIRE(!tables.empty());
        CHECK(tables.back().isa == Isa::kScalar);
        std::set<std::string> names;
        for (const KernelTable& table : tables)
            names.insert(name_of(table.isa));
        CHECK(names.size() == tables.size());
        CHECK(!names.contains("unknown"));
    }

    TEST_CASE("every table is complete") {
        for (const KernelTable& table : available_kernels()) {
            CAPTURE(name_of(table.isa));
            for (const auto& of_metric : table.distances)
                CHECK(std::count(of_metric.begin(), of_metric.end(), nullptr) == 0);
            const bool codebooks = table.codebook_l2 != nullptr &&
                                   table.codebook_inner_product != nullptr &&
                                   table.nearest_codeword != nullptr;
            CHECK(codebooks);
        }
    }

    TEST_CASE("the chosen table is one of those available") {
        const auto chosen = chosen_kernels();
        REQUIRE(chosen.has_value());
        const auto tables = available_kernels();
        CHECK(*chosen >= tables.data());
        CHECK(*chosen < tables.data() + tables.size());
        CHECK(kernels().isa == (*chosen)->isa);
        const bool same = distance_function(Metric::kInnerProduct, ElementType::kInt8) ==
                          kernels().distances[1][3];
        CHECK(same);
    }
}

}  // namespace
}  // namespace trackway::distance
