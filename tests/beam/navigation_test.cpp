#include "beam/navigation.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using namespace trackway;
using beam::NavigationView;

TEST_SUITE("beam") {
    TEST_CASE("a navigation view gives places and neighbours of its rows") {
        const std::vector<std::uint32_t> values = {40, 2,  1, 2, 99, 7, 0, 99,
                                                   99, 99, 8, 3, 0,  1, 2};
        const NavigationView view(values, 3);
        CHECK_FALSE(view.empty());
        REQUIRE(view.count() == 3);
        CHECK(view.place(0) == 40);
        CHECK(view.place(1) == 7);
        CHECK(view.place(2) == 8);
        CHECK(std::ranges::equal(view.neighbors(0), std::vector<std::uint32_t>{1, 2}));
        CHECK(view.neighbors(1).empty());
        CHECK(std::ranges::equal(view.neighbors(2), std::vector<std::uint32_t>{0, 1, 2}));
    }

    TEST_CASE("a view of nothing is empty") {
        CHECK(NavigationView().empty());
        CHECK(NavigationView().count() == 0);
        CHECK(NavigationView({}, 32).empty());
    }
}
