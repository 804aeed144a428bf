#include "graph/seen_set.h"

#include "base/random.h"

#include <doctest/doctest.h>

#include <unordered_set>

using namespace trackway;

TEST_SUITE("graph") {
    TEST_CASE("a seen set agrees with the standard set while it grows and is cleared") {
        graph::SeenSet seen(4);
        base::Random random(5);
        for (int round = 0; round < 50; ++round) {
            CAPTURE(round);
            seen.clear();
            std::unordered_set<std::uint32_t> expected;
            for (int i = 0; i < 40 * round; ++i) {
                const auto vertex = static_cast<std::uint32_t>(random.below(1000));
                REQUIRE(seen.insert(vertex) == expected.insert(vertex).second);
            }
            CHECK(seen.size() == expected.size());
        }
    }

    TEST_CASE("numbers that are multiples of large powers of two do not collide for ever") {
        graph::SeenSet seen;
        for (std::uint32_t i = 0; i < 4096; ++i)
            REQUIRE(seen.insert(i << 20U) == (i < 4096));
        CHECK_FALSE(seen.insert(5U << 20U));
    }

    TEST_CASE("the largest number is a vertex like any other") {
        graph::SeenSet seen(2);
        CHECK(seen.insert(UINT32_MAX));
        CHECK_FALSE(seen.insert(UINT32_MAX));
        for (std::uint32_t i = 0; i < 3000; ++i)
            REQUIRE(seen.insert(i));
        CHECK_FALSE(seen.insert(UINT32_MAX));
        CHECK(seen.size() == 3001);
        seen.clear();
        CHECK(seen.size() == 0);
        CHECK(seen.insert(UINT32_MAX));
        CHECK(seen.insert(7));
    }
}
