#include "graph/vamana.h"

#include "base/errors.h"
#include "graph/greedy_search.h"
#include "support/expect.h"
#include "support/random_vectors.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

using namespace trackway;

namespace {

graph::VamanaGraph build(const MatrixView& view, Metric metric, std::uint32_t threads,
                         graph::VamanaOptions options = {.max_degree = 16, .build_list_size = 32}) {
    const base::Arena arena(threads);
    const graph::PointSet points(view, metric, arena);
    return test::expect_value(build_vamana(points, options, arena));
}

bool same_edges(const graph::Adjacency& a, const graph::Adjacency& b) {
    for (std::uint32_t v = 0; v < a.vertex_count(); ++v) {
        if (!std::ranges::equal(a.neighbors(v), b.neighbors(v))) return false;
    }
    return a.vertex_count() == b.vertex_count();
}

std::size_t reachable(const graph::VamanaGraph& graph) {
    std::set<std::uint32_t> met = {graph.entry_point};
    std::vector<std::uint32_t> stack = {graph.entry_point};
    while (!stack.empty()) {
        const std::uint32_t vertex = stack.back();
        stack.pop_back();
        for (const std::uint32_t neighbor : graph.adjacency.neighbors(vertex)) {
            if (met.insert(neighbor).second) stack.push_back(neighbor);
        }
    }
    return met.size();
}

void check_sound(const graph::VamanaGraph& graph, std::uint32_t max_degree) {
    CHECK(reachable(graph) == graph.adjacency.vertex_count());
    for (std::uint32_t v = 0; v < graph.adjacency.vertex_count(); ++v) {
        const auto neighbors = graph.adjacency.neighbors(v);
        REQUIRE(neighbors.size() <= max_degree);
        const std::set<std::uint32_t> distinct(neighbors.begin(), neighbors.end());
        REQUIRE(distinct.size() == neighbors.size());
        REQUIRE(!distinct.contains(v));
    }
}

}  // namespace

TEST_SUITE("graph") {
    TEST_CASE("the same seed gives the same graph for any number of threads") {
        for (const Metric metric : {Metric::kL2, Metric::kInnerProduct, Metric::kCosine}) {
            const auto vectors = test::random_vectors(1500, 10, ElementType::kFloat32, 1);
            const auto one = build(vectors.view, metric, 1);
            CHECK(same_edges(one.adjacency, build(vectors.view, metric, 2).adjacency));
            CHECK(same_edges(one.adjacency, build(vectors.view, metric, 5).adjacency));
            check_sound(one, 16);
        }
    }

    TEST_CASE("greedy search on the graph finds the nearest points") {
        const base::Arena arena(2);
        const auto vectors = test::random_vectors(3000, 8, ElementType::kUint8, 2);
        const graph::PointSet points(vectors.view, Metric::kL2, arena);
        const auto graph = test::expect_value(
            build_vamana(points, {.max_degree = 24, .build_list_size = 48}, arena));
        std::vector<std::uint32_t> ids(points.count());
        std::iota(ids.begin(), ids.end(), 0U);
        std::vector<float> distances(ids.size());
        graph::GreedySearchScratch scratch;
        std::size_t found = 0;
        for (std::uint32_t point = 0; point < 100; ++point) {
            points.distances(point, ids, distances.data());
            distances[point] = 1e30F;
            std::vector<float> nearest(distances);
            std::nth_element(nearest.begin(), nearest.begin() + 9, nearest.end());
            greedy_search(points, graph.adjacency, point, {graph.entry_point, 40}, scratch);
            for (const graph::Candidate& c : scratch.frontier.list().first(10))
                found += c.distance <= nearest[9];
        }
        CHECK(found >= 980);
    }

    TEST_CASE("duplicates, one vector and fewer vectors than the degree give sound graphs") {
        for (const std::uint32_t degree : {1U, 2U, 16U}) {
            for (const std::uint64_t count : {1U, 2U, 3U, 10U, 500U}) {
                CAPTURE(degree);
                CAPTURE(count);
                const graph::VamanaOptions options{.max_degree = degree, .build_list_size = 10};
                const std::vector<std::byte> equal(count * 3, std::byte{5});
                const MatrixView view{equal.data(), ElementType::kUint8, count, 3};
                check_sound(build(view, Metric::kL2, 2, options), degree);
                const auto few = test::random_vectors(count, 3, ElementType::kInt8, 9);
                check_sound(build(few.view, Metric::kCosine, 2, options), degree);
            }
        }
    }

    TEST_CASE("many copies of a few vectors stay reachable") {
        std::vector<std::byte> bytes;
        for (std::uint32_t i = 0; i < 900; ++i)
            bytes.insert(bytes.end(), 4, static_cast<std::byte>(i % 3 * 50));
        const MatrixView view{bytes.data(), ElementType::kUint8, 900, 4};
        check_sound(build(view, Metric::kL2, 2), 16);
    }

    TEST_CASE("the medoid is the point nearest to the mean") {
        const base::Arena arena(2);
        std::vector<float> values = {0, 0, 10, 0, 4.9F, 1, 5, 9};
        const MatrixView view{std::as_bytes(std::span(values)).data(), ElementType::kFloat32, 4, 2};
        const graph::PointSet points(view, Metric::kL2, arena);
        CHECK(points.medoid(arena) == 2);
    }

    TEST_CASE("inner product becomes a distance in which the largest product is nearest") {
        const base::Arena arena(1);
        const auto vectors = test::random_vectors(50, 6, ElementType::kFloat32, 4);
        const graph::PointSet points(vectors.view, Metric::kInnerProduct, arena);
        // |x|^2 + lift^2 is the same for all points, so distances are 2 M^2 - 2 (product + lifts).
        const std::uint32_t self = 3;
        float distance = -1;
        points.distances(3, {&self, 1}, &distance);
        CHECK(distance == doctest::Approx(0));
    }

    TEST_CASE("a requested stop ends the build early") {
        const auto vectors = test::random_vectors(3000, 8, ElementType::kFloat32, 2);
        std::stop_source stop;
        const base::Arena arena(2, stop.get_token());
        const graph::PointSet points(vectors.view, Metric::kL2, arena);
        std::uint32_t calls = 0;
        const auto graph = build_vamana(points, {}, arena, {.inserted = [&](std::uint32_t) {
                                            ++calls;
                                            stop.request_stop();
                                        }});
        CHECK(calls == 1);
        REQUIRE(graph);
        CHECK(graph->adjacency.vertex_count() == 0);
    }

    TEST_CASE("a build that goes on from what another kept makes the same graph") {
        const auto vectors = test::random_vectors(1200, 8, ElementType::kFloat32, 2);
        const graph::VamanaOptions options{.max_degree = 16, .build_list_size = 32, .seed = 7};
        const auto whole = build(vectors.view, Metric::kL2, 2, options);
        // What each batch leaves behind.
        struct Kept {
            std::uint64_t points = 0;
            std::vector<std::vector<std::uint32_t>> lists;
        };
        std::vector<Kept> kept;
        const base::Arena arena(1);
        const graph::PointSet points(vectors.view, Metric::kL2, arena);
        const auto keep = [&](std::uint64_t done, const graph::Adjacency& lists) -> Status {
            Kept& next = kept.emplace_back();
            next.points = done;
            for (std::uint32_t v = 0; v < lists.vertex_count(); ++v) {
                const auto list = lists.neighbors(v);
                next.lists.emplace_back(list.begin(), list.end());
            }
            return {};
        };
        REQUIRE(build_vamana(points, options, arena, {.keep = keep}));
        REQUIRE(kept.back().points == 2 * 1200);
        for (std::size_t i = 0; i < kept.size(); i += 3) {
            CAPTURE(kept[i].points);
            std::uint32_t first = 0;
            const auto restore = [&](graph::Adjacency& lists) -> Result<std::uint64_t> {
                for (std::uint32_t v = 0; v < lists.vertex_count(); ++v)
                    lists.set(v, kept[i].lists[v]);
                return kept[i].points;
            };
            const auto inserted = [&](std::uint32_t done) { first = first == 0 ? done : first; };
            const auto again =
                build_vamana(points, options, arena, {.inserted = inserted, .restore = restore});
            REQUIRE(again);
            CHECK(same_edges(again->adjacency, whole.adjacency));
            CHECK((first == 0 || first > kept[i].points / 4));
        }
        const auto failing = [](std::uint64_t, const graph::Adjacency&) -> Status {
            return base::fail(ErrorCode::kIo, "the disk is full");
        };
        test::expect_error(build_vamana(points, options, arena, {.keep = failing}), ErrorCode::kIo,
                           {"full"});
    }
}
