// Inner product where a few rows are many times as long as the others: they are the answers of most
// queries, and a search reached few of them.
#include "trackway/index.h"

#include "support/built_index.h"
#include "support/elements.h"
#include "support/true_nearest.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

using namespace trackway;

namespace {

constexpr std::uint32_t kRows = 3000;
constexpr std::uint32_t kDimension = 24;
constexpr std::uint32_t kQueries = 100;

// Every step-th row `times` as long.
test::Vectors rows_with_long_ones(std::uint32_t step, double times) {
    auto rows = test::random_vectors(kRows, kDimension, ElementType::kFloat32, 5);
    for (std::size_t row = 3; row < kRows; row += step) {
        for (std::size_t d = 0; d < kDimension; ++d) {
            std::byte* at = rows.bytes.data() + (row * kDimension + d) * sizeof(float);
            test::put_element(at, ElementType::kFloat32,
                              times * test::get_element(at, ElementType::kFloat32));
        }
    }
    return rows;
}

double recall_of(const Index& index, const MatrixView& rows, std::optional<double> target) {
    const auto queries = test::random_vectors(kQueries, kDimension, ElementType::kFloat32, 77);
    SearchParams params{.k = 10, .search_list_size = 100, .target_recall = target, .beam_width = 1};
    std::vector<Neighbor> found(kQueries * params.k);
    test::expect_ok(index.search(queries.view, params, found));
    std::uint32_t hits = 0;
    for (std::uint32_t q = 0; q < kQueries; ++q) {
        const auto truth =
            test::true_nearest(rows, queries.view.row(q), Metric::kInnerProduct, params.k);
        for (const graph::Candidate& candidate : truth) {
            const auto begin = found.begin() + q * params.k;
            hits += std::any_of(begin, begin + params.k, [&](const Neighbor& neighbor) {
                return neighbor.id == VectorId{candidate.vertex};
            });
        }
    }
    return hits / (10.0 * kQueries);
}

}  // namespace

TEST_SUITE("regress") {
    TEST_CASE("rows many times as long as the others are found by inner product") {
        struct Case {
            std::uint32_t step;
            double times;
            std::uint32_t shards;
        };
        for (const Case& one : {Case{100, 3, 1}, Case{100, 30, 1}, Case{150, 300, 1},
                                Case{kRows, 1e4, 1}, Case{100, 10, 2}}) {
            CAPTURE(one.step);
            CAPTURE(one.times);
            test::BuiltIndex built;
            build_into(built, rows_with_long_ones(one.step, one.times), [&](BuildOptions& options) {
                options.metric = Metric::kInnerProduct;
                options.shards.count = one.shards;
                options.graph.max_degree = 32;
                write_workload(built, 400);
            });
            const auto index = test::expect_value(Index::open(built.path(), {.thread_count = 1}));
            CHECK(recall_of(index, built.vectors.view, {}) >= 0.97);
            CHECK(recall_of(index, built.vectors.view, 0.95) >= 0.92);
        }
    }
}
