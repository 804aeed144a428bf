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
}
