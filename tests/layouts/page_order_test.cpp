#include "layouts/page_order.h"

#include "base/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

using namespace trackway;
using namespace trackway::layouts;

namespace {

class Lists final : public VertexRelations {
public:
    explicit Lists(std::vector<std::vector<std::uint32_t>> lists) : lists_(std::move(lists)) {}
    std::uint32_t vertex_count() const noexcept override {
        return static_cast<std::uint32_t>(lists_.size());
    }
    std::span<const std::uint32_t> neighbors(std::uint32_t vertex) const noexcept override {
        return lists_[vertex];
    }
    // Vertices lie on a line.
    void distances(std::uint32_t vertex, std::span<const std::uint32_t> ids,
                   float* out) const override {
        for (std::size_t i = 0; i < ids.size(); ++i) {
            const float apart = static_cast<float>(vertex) - static_cast<float>(ids[i]);
            out[i] = apart * apart;
        }
    }

private:
    std::vector<std::vector<std::uint32_t>> lists_;
};

// Edges as pairs of vertices, from each of its ends to the other.
struct Joined {
    std::uint32_t a, b;
    float weight;
};

CovisitGraph covisits_of(std::vector<float> strength, const std::vector<Joined>& joined) {
    CovisitGraph graph;
    graph.strength = std::move(strength);
    graph.first.push_back(0);
    for (std::uint32_t v = 0; v < graph.strength.size(); ++v) {
        for (const Joined& edge : joined) {
            if (edge.a == v) graph.edges.push_back({edge.b, edge.weight});
            if (edge.b == v) graph.edges.push_back({edge.a, edge.weight});
        }
        std::stable_sort(graph.edges.begin() + static_cast<std::ptrdiff_t>(graph.first.back()),
                         graph.edges.end(),
                         [](const Covisit& a, const Covisit& b) { return a.weight > b.weight; });
        graph.first.push_back(graph.edges.size());
    }
    return graph;
}

std::vector<std::uint32_t> covisit_order_of(const Lists& lists, const CovisitGraph& covisits,
                                            std::uint32_t entry_point) {
    const PageJudge judge;
    return covisit_order({.vertices = lists,
                          .degrees = {},
                          .entry_point = entry_point,
                          .covisits = covisits,
                          .judge = judge});
}

PageGroups groups_of(PageOrder kind, const Lists& lists, const CovisitGraph& covisits,
                     const base::Arena& arena, const PageJudge& judge = {}) {
    std::vector<std::uint32_t> degrees;
    for (std::uint32_t v = 0; v < lists.vertex_count(); ++v)
        degrees.push_back(static_cast<std::uint32_t>(lists.neighbors(v).size()));
    const PageGeometry geometry{.page_size_bytes = 4096,
                                .vector_bytes = 8,
                                .vertices_per_page = 10,
                                .max_degree = 8,
                                .row_bits = 9,
                                .row_count = lists.vertex_count(),
                                .edges = EdgeCode::elias_fano(1000)};
    return make_page_groups(kind,
                            {.vertices = lists,
                             .degrees = degrees,
                             .entry_point = 7,
                             .covisits = covisits,
                             .judge = judge},
                            geometry, arena);
}

}  // namespace

TEST_SUITE("layouts") {
    TEST_CASE("every order is a permutation, also of a graph in several pieces") {
        base::Random random(3);
        std::vector<std::vector<std::uint32_t>> lists(500);
        for (std::uint32_t v = 0; v < 500; v += 2)
            for (int i = 0; i < 3; ++i)
                lists[v].push_back(static_cast<std::uint32_t>(random.below(500)));
        const Lists graph(lists);
        const base::Arena arena(2);
        for (const PageOrder kind : {PageOrder::kInsertion, PageOrder::kBreadthFirst,
                                     PageOrder::kCovisit, PageOrder::kAffinity}) {
            CAPTURE(name_of(kind));
            const CovisitGraph covisits;
            auto groups = groups_of(kind, graph, covisits, arena);
            REQUIRE(groups.first.front() == 0);
            REQUIRE(groups.first.back() == 500);
            CHECK(std::adjacent_find(groups.first.begin(), groups.first.end(),
                                     std::greater_equal<>()) == groups.first.end());
            std::sort(groups.order.begin(), groups.order.end());
            std::vector<std::uint32_t> expected(500);
            std::iota(expected.begin(), expected.end(), 0U);
            CHECK(groups.order == expected);
        }
    }

    TEST_CASE("breadth-first order lists neighbours level by level") {
        const Lists graph({{3}, {}, {0, 1}, {4}, {2}});
        CHECK(breadth_first_order(graph, 2) == std::vector<std::uint32_t>{2, 0, 1, 3, 4});
        CHECK(insertion_order(3) == std::vector<std::uint32_t>{0, 1, 2});
    }

    TEST_CASE("covisit order follows the heaviest edges from the strongest vertex") {
        // The graph alone would give 0 1 2 3 4 5 6 7.
        const Lists graph({{1}, {2}, {3}, {4}, {5}, {6}, {7}, {}});
        const CovisitGraph covisits = covisits_of(
            {1, 4, 2, 5, 0, 3, 0, 1}, {{3, 0, 1}, {3, 2, 4}, {2, 7, 2}, {0, 7, 8}, {1, 5, 1}});
        // From 3 its neighbours, the heavier first; then theirs; then from 1, stronger than 5; then
        // what no query visited, as the graph has it.
        CHECK(covisit_order_of(graph, covisits, 0) ==
              std::vector<std::uint32_t>{3, 2, 0, 7, 1, 5, 4, 6});
    }

    TEST_CASE("of two vertices of the same strength the first begins") {
        const Lists graph({{}, {}, {}, {}});
        const CovisitGraph covisits = covisits_of({1, 2, 2, 0}, {{0, 2, 1}});
        CHECK(covisit_order_of(graph, covisits, 3) == std::vector<std::uint32_t>{1, 2, 0, 3});
    }

    TEST_CASE("covisit order is breadth-first order where no query was traced") {
        base::Random random(5);
        std::vector<std::vector<std::uint32_t>> lists(200);
        for (auto& list : lists)
            for (int i = 0; i < 4; ++i)
                list.push_back(static_cast<std::uint32_t>(random.below(200)));
        const Lists graph(lists);
        CHECK(covisit_order_of(graph, {}, 17) == breadth_first_order(graph, 17));
        const base::Arena arena(1);
        const CovisitGraph none;
        const auto groups = groups_of(PageOrder::kCovisit, graph, none, arena);
        CHECK(groups.order == breadth_first_order(graph, 7));
    }
}
