#include "graph/frontier.h"

#include "base/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using namespace trackway;
using graph::Candidate;

TEST_SUITE("graph") {
    TEST_CASE("a frontier holds the nearest candidates in order, whatever order they come in") {
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            CAPTURE(seed);
            base::Random random(seed);
            std::vector<Candidate> all;
            for (std::uint32_t i = 0; i < 200; ++i)
                all.push_back({static_cast<float>(random.below(20)), i, 0});
            graph::Frontier frontier;
            frontier.reset(15);
            for (std::size_t i = all.size(); i > 1; --i)
                std::swap(all[i - 1], all[random.below(i)]);
            for (const Candidate& candidate : all)
                frontier.insert(candidate);
            std::sort(all.begin(), all.end(), graph::nearer);
            REQUIRE(frontier.size() == 15);
            for (std::size_t i = 0; i < 15; ++i)
                CHECK(frontier.list()[i].vertex == all[i].vertex);
        }
    }

    TEST_CASE("inserting into a full frontier hands back what fell out") {
        graph::Frontier frontier;
        frontier.reset(2);
        frontier.insert({1, 10, 0});
        frontier.insert({3, 30, 7});
        Candidate dropped;
        CHECK(frontier.insert({2, 20, 0}, &dropped) == 1);
        CHECK(dropped.vertex == 30);
        CHECK(dropped.mark == 7);
        CHECK(frontier.full());
        CHECK_FALSE(frontier.admits({2, 21, 0}));
        CHECK(frontier.admits({2, 19, 0}));
        CHECK(frontier.insert({5, 50, 0}) == frontier.size());
        frontier.erase(0);
        CHECK(frontier.list().front().vertex == 20);
        CHECK_FALSE(frontier.full());
    }
}
