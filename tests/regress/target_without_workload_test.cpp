// Without a workload rows of the base stand in for queries: they found themselves and their copies,
// by their own edges, so that a target recall promised too much.
#include "trackway/index.h"

#include "support/built_index.h"
#include "support/true_nearest.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

using namespace trackway;

namespace {

constexpr std::uint32_t kRows = 4000;
constexpr std::uint32_t kDimension = 16;
constexpr std::uint32_t kQueries = 300;

// As near as the tenth: of copies any is right.
double recall_of(const Index& index, const MatrixView& rows, double target) {
    const auto queries = test::random_vectors(kQueries, kDimension, ElementType::kFloat32, 77);
    const SearchParams params{.k = 10, .target_recall = target, .beam_width = 1};
    std::vector<Neighbor> found(kQueries * params.k);
    test::expect_ok(index.search(queries.view, params, found));
    std::int64_t hits = 0;
    for (std::uint32_t q = 0; q < kQueries; ++q) {
        const float kth =
            test::true_nearest(rows, queries.view.row(q), Metric::kL2, params.k).back().distance;
        const auto begin = found.begin() + q * params.k;
        hits += std::count_if(begin, begin + params.k,
                              [&](const Neighbor& neighbor) { return neighbor.distance <= kth; });
    }
    return static_cast<double>(hits) / (10.0 * kQueries);
}

}  // namespace

TEST_SUITE("regress") {
    TEST_CASE("a target recall holds without a workload, copies or not") {
        for (const bool copies : {false, true}) {
            CAPTURE(copies);
            auto rows = test::random_vectors(kRows, kDimension, ElementType::kFloat32, 5);
            const std::size_t row_bytes = rows.view.row_bytes();
            for (std::size_t row = 0; copies && row < kRows; row += 2) {
                std::memcpy(rows.bytes.data() + row * row_bytes,
                            rows.bytes.data() + (row * 7 % kRows + 1) * row_bytes, row_bytes);
            }
            test::BuiltIndex built;
            build_into(built, std::move(rows), [](BuildOptions&) {});
            const auto index = test::expect_value(Index::open(built.path(), {.thread_count = 1}));
            for (const double target : {0.9, 0.95, 0.99}) {
                CAPTURE(target);
                const double recall = recall_of(index, built.vectors.view, target);
                CHECK(recall >= target - 0.015);
                CHECK(recall <= target + 0.02);
            }
        }
    }
}
