#include "build/covisits.h"

#include "base/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

using namespace trackway;
using namespace trackway::builder;
using layouts::CovisitGraph;

namespace {

using Vertices = std::vector<std::uint32_t>;

Visits all_useful(Vertices path) {
    Vertices useful = path;
    std::sort(useful.begin(), useful.end());
    return {std::move(path), std::move(useful)};
}

float weight_between(const CovisitGraph& graph, std::uint32_t a, std::uint32_t b) {
    for (const layouts::Covisit& edge : graph.of(a))
        if (edge.vertex == b) return edge.weight;
    return 0;
}

// Every page full, vertex v at place v.
layouts::PagePacking packing_of(std::uint32_t count, std::uint32_t vertices_per_page) {
    layouts::PagePacking packing;
    packing.geometry.vertices_per_page = vertices_per_page;
    packing.geometry.page_count = (count + vertices_per_page - 1) / vertices_per_page;
    for (std::uint32_t v = 0; v < count; ++v)
        packing.place.push_back(LocalId{v});
    return packing;
}

std::vector<Visits> random_queries(std::uint32_t vertices, std::size_t count, std::size_t length) {
    base::Random random(7);
    std::vector<Visits> queries(count);
    for (Visits& query : queries) {
        for (std::size_t i = 0; i < length; ++i)
            query.expanded.push_back(
                static_cast<std::uint32_t>(random.below(1 + random.below(vertices))));
        for (const std::uint32_t vertex : query.expanded)
            if (random.below(2) == 0) query.useful.push_back(vertex);
        std::sort(query.useful.begin(), query.useful.end());
    }
    return queries;
}

// As the header says, pair by pair.
std::map<std::pair<std::uint32_t, std::uint32_t>, double> joined(
    const std::vector<Visits>& queries) {
    std::map<std::pair<std::uint32_t, std::uint32_t>, double> weights;
    for (const Visits& query : queries) {
        const auto useful = [&](std::size_t i) {
            return std::binary_search(query.useful.begin(), query.useful.end(), query.expanded[i]);
        };
        for (std::size_t i = 0; i < query.expanded.size(); ++i) {
            for (std::size_t step = 1; step <= 3 && i + step < query.expanded.size(); ++step) {
                const std::uint32_t a = query.expanded[i], b = query.expanded[i + step];
                if (a == b) continue;
                const double weight =
                    (useful(i) && useful(i + step) ? 1.0 : 0.5) / static_cast<double>(step);
                weights[{a, b}] += weight;
                weights[{b, a}] += weight;
            }
        }
    }
    return weights;
}

void check_graph(const CovisitGraph& graph, const std::vector<Visits>& queries,
                 std::uint32_t vertex_count) {
    REQUIRE(graph.first.size() == vertex_count + 1);
    REQUIRE(graph.first.back() == graph.edges.size());
    const auto weights = joined(queries);
    std::map<std::uint32_t, std::vector<double>> of_vertex;
    for (const auto& entry : weights)
        of_vertex[entry.first.first].push_back(entry.second);
    for (std::uint32_t v = 0; v < vertex_count; ++v) {
        auto& expected = of_vertex[v];
        std::sort(expected.rbegin(), expected.rend());
        const auto edges = graph.of(v);
        REQUIRE(edges.size() == std::min<std::size_t>(expected.size(), 16));
        for (std::size_t i = 0; i < edges.size(); ++i) {
            // The heaviest, in this order, each as heavy as it should be.
            REQUIRE(double{edges[i].weight} == doctest::Approx(expected[i]).epsilon(1e-3));
            REQUIRE(double{edges[i].weight} ==
                    doctest::Approx(weights.at({v, edges[i].vertex})).epsilon(1e-3));
        }
    }
}

}  // namespace

TEST_SUITE("build") {
    TEST_CASE("vertices within three steps of a path are joined, the farther the less") {
        const std::vector<Visits> queries = {all_useful({5, 1, 3, 2, 0})};
        const CovisitGraph graph = join_covisits(queries, 8);
        CHECK(weight_between(graph, 5, 1) == 1);
        CHECK(weight_between(graph, 5, 3) == 0.5F);
        CHECK(weight_between(graph, 5, 2) == 1.0F / 3);
        CHECK(weight_between(graph, 5, 0) == 0);
        CHECK(weight_between(graph, 0, 2) == 1);
        CHECK(graph.of(5).size() == 3);
        CHECK(graph.of(3).size() == 4);
        for (std::uint32_t a = 0; a < 8; ++a)
            for (std::uint32_t b = 0; b < 8; ++b)
                CHECK(weight_between(graph, a, b) == weight_between(graph, b, a));
        CHECK(graph.of(4).empty());
        CHECK_FALSE(graph.empty());
    }

    TEST_CASE("a pair of which one was not useful weighs half") {
        const std::vector<Visits> queries = {{{0, 1, 2}, {0, 2}}, {{0, 1}, {}}};
        const CovisitGraph graph = join_covisits(queries, 3);
        CHECK(weight_between(graph, 0, 1) == 0.5F + 0.5F);
        CHECK(weight_between(graph, 1, 2) == 0.5F);
        CHECK(weight_between(graph, 0, 2) == 0.5F);  // useful, two steps
        CHECK(graph.of(0).front().vertex == 1);      // heaviest first
    }

    TEST_CASE("strength counts the visits of a vertex, joined to others or not") {
        const std::vector<Visits> queries = {
            all_useful({0, 1}), all_useful({1}), {{2, 1, 3}, {}}, {}};
        const CovisitGraph graph = join_covisits(queries, 5);
        CHECK(graph.strength == std::vector<float>{1, 3, 1, 1, 0});
        const CovisitGraph none = join_covisits({}, 3);
        CHECK(none.empty());
        CHECK(none.strength == std::vector<float>(3, 0));
        CHECK(none.of(2).empty());
    }

    TEST_CASE("a vertex keeps its heaviest edges, sixteen at most") {
        const auto queries = random_queries(60, 40, 50);
        const CovisitGraph graph = join_covisits(queries, 60);
        check_graph(graph, queries, 60);
        CHECK(graph.of(0).size() == 16);
    }

    TEST_CASE("more pairs than are held at once are added up all the same") {
        // Pairs are summed whenever a million of them wait.
        const auto queries = random_queries(300, 36, 5000);
        check_graph(join_covisits(queries, 300), queries, 300);
    }

    TEST_CASE("pages per query counts different pages") {
        const Vertices page_of = {0, 0, 1, 1, 2};
        const std::vector<Visits> queries = {
            all_useful({0, 1, 0}), all_useful({0, 2, 4}), all_useful({2, 3, 0}), {}};
        CHECK(pages_per_query(queries, page_of) == 6.0 / 4);
        CHECK(pages_per_query({}, page_of) == 0);
    }

    TEST_CASE("hot places are those whose residence saves most reads for each") {
        // Four to a page. Vertices 0 and 1 together: 3 reads for 2. 4 alone: 3 for 1. 9 alone: one
        // read; with 8 and 10: 5 more, which is 2 for each of the three.
        std::vector<Visits> queries;
        for (int i = 0; i < 3; ++i)
            queries.push_back(all_useful({0, 1}));
        for (int i = 0; i < 3; ++i)
            queries.push_back(all_useful({4}));
        for (int i = 0; i < 5; ++i)
            queries.push_back(all_useful({10, 9, 8}));
        queries.push_back(all_useful({9}));
        const auto hot = hot_places(queries, packing_of(40, 4));
        REQUIRE(hot.size() == 6);
        CHECK(hot[0] == 4);
        CHECK(std::set<std::uint32_t>(hot.begin() + 1, hot.begin() + 4) ==
              std::set<std::uint32_t>{8, 9, 10});
        CHECK(std::set<std::uint32_t>(hot.begin() + 4, hot.end()) == std::set<std::uint32_t>{0, 1});
    }

    TEST_CASE("hot places are places, each once, visited, at most a quarter of the vertices") {
        const auto queries = random_queries(200, 300, 12);
        auto packing = packing_of(200, 7);
        base::Random random(3);
        const auto shuffled = base::random_permutation(200, random);
        std::map<std::uint32_t, std::uint32_t> vertex_at;
        for (std::uint32_t v = 0; v < 200; ++v) {
            packing.place[v] = LocalId{shuffled[v]};
            vertex_at[shuffled[v]] = v;
        }
        const auto hot = hot_places(queries, packing);
        CHECK(hot.size() == 50);
        CHECK(std::set<std::uint32_t>(hot.begin(), hot.end()).size() == hot.size());
        const CovisitGraph graph = join_covisits(queries, 200);
        for (const std::uint32_t place : hot)
            CHECK(graph.strength[vertex_at.at(place)] > 0);
        CHECK(hot_places({}, packing).empty());
        CHECK(hot_places(std::vector<Visits>{{}, {}}, packing).empty());
        CHECK(hot_places(queries, packing_of(200, 1)).size() == 50);
    }
}
