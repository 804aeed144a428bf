#include "graph/product_edges.h"

#include "graph/greedy_search.h"
#include "graph/vamana.h"
#include "support/random_vectors.h"
#include "support/true_nearest.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

using namespace trackway;

namespace {

constexpr std::uint32_t kRows = 1500;
constexpr std::uint32_t kDimension = 16;

// Every hundredth row is `times` as long.
test::Vectors with_long_rows(float times) {
    test::Vectors vectors = test::random_vectors(kRows, kDimension, ElementType::kFloat32, 3);
    for (std::size_t row = 0; row < kRows; row += 100) {
        std::byte* begin = vectors.bytes.data() + row * kDimension * sizeof(float);
        for (std::size_t d = 0; d < kDimension; ++d) {
            float value = 0;
            std::memcpy(&value, begin + d * sizeof(float), sizeof(float));
            value *= times;
            std::memcpy(begin + d * sizeof(float), &value, sizeof(float));
        }
    }
    return vectors;
}

graph::Adjacency built(const graph::PointSet& points, const base::Arena& arena) {
    auto graph = graph::build_vamana(points, {.max_degree = 24, .build_list_size = 40}, arena);
    return std::move(graph->adjacency);
}

// The share of the 10 largest products with each of some rows that a search by product finds.
double found_by_product(const graph::PointSet& points, const graph::Adjacency& graph,
                        const MatrixView& rows) {
    const graph::PointSet by_product = points.by_product();
    graph::GreedySearchScratch scratch;
    std::uint32_t hits = 0;
    std::uint32_t asked = 0;
    for (std::uint32_t point = 1; point < kRows; point += 30, ++asked) {
        graph::greedy_search(by_product, graph, point, {7, 60}, scratch);
        std::set<std::uint32_t> found;
        for (const graph::Candidate& c : scratch.frontier.list())
            found.insert(c.vertex);
        const auto nearest = test::true_nearest(rows, rows.row(point), Metric::kInnerProduct, 11);
        std::uint32_t counted = 0;
        for (const graph::Candidate& c : nearest) {
            if (c.vertex == point || counted == 10) continue;
            ++counted;
            hits += found.contains(c.vertex) ? 1 : 0;
        }
    }
    return hits / (10.0 * asked);
}

}  // namespace

TEST_SUITE("graph") {
    TEST_CASE("only inner products with rows much longer than others need edges by product") {
        const base::Arena arena(2);
        const auto needs = [&](const test::Vectors& vectors, Metric metric) {
            return needs_product_edges(graph::PointSet(vectors.view, metric, arena), arena);
        };
        const auto long_rows = with_long_rows(5);
        CHECK(needs(long_rows, Metric::kInnerProduct));
        CHECK_FALSE(needs(long_rows, Metric::kL2));
        CHECK_FALSE(needs(long_rows, Metric::kCosine));
        auto one = test::random_vectors(1, kDimension, ElementType::kFloat32, 3);
        CHECK_FALSE(needs(one, Metric::kInnerProduct));
    }

    TEST_CASE("with edges by product a search finds long rows, which edges by distance miss") {
        const base::Arena arena(2);
        const auto vectors = with_long_rows(8);
        const graph::PointSet points(vectors.view, Metric::kInnerProduct, arena);
        graph::Adjacency graph = built(points, arena);
        const double before = found_by_product(points, graph, vectors.view);
        add_product_edges(points, {}, arena, graph);
        const double after = found_by_product(points, graph, vectors.view);
        CHECK(after >= 0.98);
        CHECK(after > before);
        for (std::uint32_t v = 0; v < kRows; ++v) {
            const auto neighbors = graph.neighbors(v);
            const std::set<std::uint32_t> distinct(neighbors.begin(), neighbors.end());
            REQUIRE(distinct.size() == neighbors.size());
            REQUIRE(!distinct.contains(v));
            REQUIRE(neighbors.size() <= graph.capacity());
        }
    }

    TEST_CASE("edges by product are the same for any number of threads") {
        const auto vectors = with_long_rows(3);
        std::vector<std::vector<std::uint32_t>> lists[2];
        for (const std::uint32_t threads : {1U, 3U}) {
            const base::Arena arena(threads);
            const graph::PointSet points(vectors.view, Metric::kInnerProduct, arena);
            graph::Adjacency graph = built(points, arena);
            add_product_edges(points, {}, arena, graph);
            for (std::uint32_t v = 0; v < kRows; ++v) {
                const auto neighbors = graph.neighbors(v);
                lists[threads / 2].emplace_back(neighbors.begin(), neighbors.end());
            }
        }
        CHECK(lists[0] == lists[1]);
    }

    TEST_CASE("lists of one or two places get at most half of them by product") {
        const base::Arena arena(1);
        const auto vectors = with_long_rows(3);
        const graph::PointSet points(vectors.view, Metric::kInnerProduct, arena);
        for (const std::uint32_t degree : {1U, 2U}) {
            auto graph =
                graph::build_vamana(points, {.max_degree = degree, .build_list_size = 10}, arena);
            add_product_edges(points, {}, arena, graph->adjacency);
            for (std::uint32_t v = 0; v < kRows; ++v)
                REQUIRE(graph->adjacency.neighbors(v).size() <= degree);
        }
    }
}
