#include "build/bridges.h"

#include "graph/vamana.h"
#include "support/expect.h"
#include "support/random_vectors.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

using namespace trackway;
using namespace trackway::builder;

namespace {

// Points of a line.
struct Line {
    explicit Line(std::vector<float> at) : places(std::move(at)) {
        view = {std::as_bytes(std::span(places)).data(), ElementType::kFloat32, places.size(), 1};
    }
    std::vector<float> places;
    MatrixView view;
};

std::vector<std::vector<beam::Bridge>> bridges(const MatrixView& vectors,
                                               const graph::Adjacency& edges,
                                               std::vector<std::vector<std::uint32_t>> same,
                                               std::uint32_t threads = 1) {
    JudgingQueries judging;
    judging.same = std::move(same);
    find_bridges({vectors, Metric::kL2, edges, 1.2F}, base::Arena(threads), judging);
    return judging.bridges;
}

}  // namespace

TEST_SUITE("build") {
    TEST_CASE("who had an edge to a vertex that is left out gets one to what that led to") {
        const Line line({0, 10, 12, 50, -9});
        graph::Adjacency edges(5, 3);
        edges.set(0, std::vector<std::uint32_t>{1, 4});  // 1 is left out
        edges.set(1, std::vector<std::uint32_t>{2, 3, 0});
        edges.set(3, std::vector<std::uint32_t>{2});
        const auto found = bridges(line.view, edges, {{1}});
        // The nearer of 2 and 3, and only one: one place became free.
        CHECK(found == std::vector<std::vector<beam::Bridge>>{{{0, 2}}});
    }

    TEST_CASE("what a neighbour occludes is no bridge, nor what is there or left out") {
        const Line line({0, 10, 12, 9, 10});
        graph::Adjacency edges(5, 3);
        edges.set(0, std::vector<std::uint32_t>{1, 3});  // 3 occludes 2
        edges.set(1, std::vector<std::uint32_t>{2, 3, 4});
        edges.set(4, std::vector<std::uint32_t>{1});  // left out as well
        CHECK(bridges(line.view, edges, {{1, 4}}) == std::vector<std::vector<beam::Bridge>>{{}});
        edges.set(0, std::vector<std::uint32_t>{1});
        CHECK(bridges(line.view, edges, {{1, 4}}) ==
              std::vector<std::vector<beam::Bridge>>{{{0, 3}}});
        CHECK(bridges(line.view, edges, {}).empty());
    }

    TEST_CASE("the same bridges for any number of threads, each from a vertex that lost an edge") {
        const auto vectors = test::random_vectors(1500, 8, ElementType::kFloat32, 3);
        const base::Arena arena(2);
        const graph::PointSet points(vectors.view, Metric::kL2, arena);
        const auto graph = test::expect_value(
            graph::build_vamana(points, {.max_degree = 16, .build_list_size = 32}, arena));
        std::vector<std::vector<std::uint32_t>> same;
        for (std::uint32_t v = 0; v < 1500; v += 5)
            same.push_back({v});
        const auto one = bridges(vectors.view, graph.adjacency, same);
        CHECK(bridges(vectors.view, graph.adjacency, same, 4) == one);
        std::size_t count = 0;
        for (std::size_t query = 0; query < same.size(); ++query) {
            CHECK(std::is_sorted(one[query].begin(), one[query].end()));
            for (const beam::Bridge& bridge : one[query]) {
                const auto neighbors = graph.adjacency.neighbors(bridge.from);
                const auto has = [&](std::uint32_t vertex) {
                    return std::find(neighbors.begin(), neighbors.end(), vertex) != neighbors.end();
                };
                CHECK(has(same[query][0]));
                CHECK_FALSE(has(bridge.to));
                CHECK(bridge.to != same[query][0]);
                ++count;
            }
        }
        CHECK(count > 300);
    }
}
