#include "layouts/page_order.h"

#include "base/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

using namespace trackway;
using namespace trackway::layouts;

namespace {

class Lists final : public NeighborLists {
public:
    explicit Lists(std::vector<std::vector<std::uint32_t>> lists) : lists_(std::move(lists)) {}
    std::uint32_t vertex_count() const noexcept override {
        return static_cast<std::uint32_t>(lists_.size());
    }
    std::span<const std::uint32_t> neighbors(std::uint32_t vertex) const noexcept override {
        return lists_[vertex];
    }

private:
    std::vector<std::vector<std::uint32_t>> lists_;
};

}  // namespace

TEST_SUITE("layouts") {
    TEST_CASE("every order is a permutation, also of a graph in several pieces") {
        base::Random random(3);
        std::vector<std::vector<std::uint32_t>> lists(500);
        for (std::uint32_t v = 0; v < 500; v += 2)
            for (int i = 0; i < 3; ++i)
                lists[v].push_back(static_cast<std::uint32_t>(random.below(500)));
        const Lists graph(lists);
        for (const PageOrder kind : {PageOrder::kInsertion, PageOrder::kBreadthFirst}) {
            auto order = make_page_order(kind, graph, 7);
            std::sort(order.begin(), order.end());
            std::vector<std::uint32_t> expected(500);
            std::iota(expected.begin(), expected.end(), 0U);
            CHECK(order == expected);
        }
    }

    TEST_CASE("breadth-first order lists neighbours level by level") {
        const Lists graph({{3}, {}, {0, 1}, {4}, {2}});
        CHECK(breadth_first_order(graph, 2) == std::vector<std::uint32_t>{2, 0, 1, 3, 4});
        CHECK(insertion_order(3) == std::vector<std::uint32_t>{0, 1, 2});
    }
}
