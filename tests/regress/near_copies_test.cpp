// Cosine between near copies: 1 - product in float loses the order of distances below 1e-5.
#include "trackway/exact_search.h"

#include "base/random.h"
#include "support/built_index.h"
#include "support/elements.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

using namespace trackway;

namespace {

constexpr std::uint32_t kDocuments = 30;
constexpr std::uint32_t kCopies = 20;
constexpr std::uint32_t kNearest = 10;

// Copies of documents that differ from them by `spread`.
test::Vectors near_copies(std::uint32_t dimension, ElementType type, double spread,
                          std::uint32_t copies, std::uint64_t seed) {
    base::Random document(3);
    base::Random noise(seed);
    test::Vectors rows;
    const std::size_t size = element_size_bytes(type);
    rows.bytes.resize(std::size_t{kDocuments} * copies * dimension * size);
    rows.view = {rows.bytes.data(), type, kDocuments * copies, dimension};
    std::vector<double> values(dimension);
    for (std::uint32_t row = 0; row < kDocuments * copies; ++row) {
        if (row % copies == 0) {
            for (double& value : values)
                value = document.normal();
        }
        for (std::uint32_t d = 0; d < dimension; ++d) {
            test::put_element(rows.bytes.data() + (std::size_t{row} * dimension + d) * size, type,
                              values[d] + spread * noise.normal());
        }
    }
    return rows;
}

std::vector<double> unit(const MatrixView& rows, std::uint64_t row) {
    std::vector<double> values(rows.dimension);
    double norm = 0;
    for (std::uint32_t d = 0; d < rows.dimension; ++d) {
        values[d] = test::get_element(rows.row(row) + d * element_size_bytes(rows.element_type),
                                      rows.element_type);
        norm += values[d] * values[d];
    }
    for (double& value : values)
        value /= std::sqrt(norm);
    return values;
}

// In double, without cancellation.
double cosine_distance(std::span<const double> a, std::span<const double> b) {
    double sum = 0;
    for (std::size_t d = 0; d < a.size(); ++d)
        sum += (a[d] - b[d]) * (a[d] - b[d]);
    return sum / 2;
}

}  // namespace

TEST_SUITE("regress") {
    TEST_CASE("near copies are ranked by cosine as in double, and no distance is below 0") {
        for (const ElementType type : {ElementType::kFloat32, ElementType::kFloat16}) {
            for (const std::uint32_t dimension : {48U, 300U}) {
                for (const double spread : {1e-2, 1e-4, 1e-6}) {
                    CAPTURE(dimension);
                    CAPTURE(spread);
                    const test::TempFolder folder;
                    const auto base = near_copies(dimension, type, spread, kCopies, 1);
                    const auto queries = near_copies(dimension, type, spread, 1, 2);
                    test::write_vectors(folder / "base.npy", base);
                    const auto file = test::expect_value(VectorFile::open(folder / "base.npy"));
                    const auto truth = test::expect_value(exact_search(
                        file, queries.view, {.metric = Metric::kCosine, .k = kNearest}));
                    for (std::uint32_t q = 0; q < kDocuments; ++q) {
                        const auto query = unit(queries.view, q);
                        std::vector<double> right;
                        for (std::uint64_t row = 0; row < base.view.row_count; ++row)
                            right.push_back(cosine_distance(query, unit(base.view, row)));
                        auto sorted = right;
                        std::nth_element(sorted.begin(), sorted.begin() + kNearest - 1,
                                         sorted.end());
                        const double kth = sorted[kNearest - 1];
                        for (std::uint32_t i = 0; i < kNearest; ++i) {
                            const std::size_t at = std::size_t{q} * kNearest + i;
                            CHECK(truth.distances[at] >= 0);
                            CHECK(right[truth.ids[at]] <= kth * (1 + 1e-6));
                        }
                    }
                }
            }
        }
    }
}
