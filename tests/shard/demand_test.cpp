#include "shard/demand.h"

#include "base/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

using namespace trackway;
using namespace trackway::shard;

namespace {

using Rows = std::vector<std::uint32_t>;

bool has(const std::vector<Replica>& replicas, std::uint32_t row, std::uint32_t shard) {
    return std::any_of(replicas.begin(), replicas.end(),
                       [&](const Replica& r) { return r.row == row && r.shard == shard; });
}

}  // namespace

TEST_SUITE("shard") {
    TEST_CASE("a vector is wanted where the queries that find it have their others") {
        // Rows 0 to 4 live in shard 0, 5 to 9 in shard 1.
        const std::vector<std::uint16_t> homes = {0, 0, 0, 0, 0, 1, 1, 1, 1, 1};
        const std::vector<Rows> nearest = {{0, 1, 2, 5}, {0, 1, 3, 5}, {6, 7, 8, 4}};
        const auto replicas = demanded_replicas(nearest, homes, 2, {100, 100});
        CHECK(has(replicas, 5, 0));
        CHECK(has(replicas, 4, 1));
        CHECK(replicas.size() == 2);  // no query is served better by any other
        // Two queries want row 5, one row 4.
        const auto one = demanded_replicas(nearest, homes, 2, {3, 100});
        REQUIRE(!one.empty());
        const auto least = demanded_replicas(nearest, homes, 2, {1, 100});
        REQUIRE(least.size() == 1);
        CHECK(has(least, 5, 0));
    }

    TEST_CASE("replicas on demand keep the limits and need no order of queries") {
        base::Random random(5);
        const std::uint32_t rows = 500;
        const std::uint32_t shards = 6;
        std::vector<std::uint16_t> homes(rows);
        for (auto& home : homes)
            home = static_cast<std::uint16_t>(random.below(shards));
        std::vector<Rows> nearest;
        for (int q = 0; q < 80; ++q) {
            Rows found;
            while (found.size() < 10) {
                const auto row = static_cast<std::uint32_t>(random.below(rows));
                if (std::find(found.begin(), found.end(), row) == found.end()) found.push_back(row);
            }
            nearest.push_back(found);
        }
        const ReplicaLimits limits{60, 15};
        const auto replicas = demanded_replicas(nearest, homes, shards, limits);
        CHECK(replicas.size() == 60);
        std::reverse(nearest.begin(), nearest.end());
        CHECK(demanded_replicas(nearest, homes, shards, limits) == replicas);
        std::vector<std::uint64_t> counts(shards, 0);
        for (std::size_t i = 0; i < replicas.size(); ++i) {
            ++counts[replicas[i].shard];
            CHECK(replicas[i].shard != homes[replicas[i].row]);
            if (i == 0) continue;
            const bool in_order = replicas[i - 1].row < replicas[i].row ||
                                  (replicas[i - 1].row == replicas[i].row &&
                                   replicas[i - 1].shard < replicas[i].shard);
            CHECK(in_order);
        }
        for (const std::uint64_t count : counts)
            CHECK(count <= 15);
    }

    TEST_CASE("boundaries fill the room that demand leaves, the nearest first") {
        const std::vector<Replica> boundaries = {{1, 0, 3}, {2, 0, 1}, {3, 1, 2}, {7, 1, 1.5F}};
        const auto joined = join_replicas({{7, 1}}, boundaries, 2, {3, 10});
        REQUIRE(joined.size() == 3);
        CHECK(has(joined, 7, 1));
        CHECK(has(joined, 2, 0));
        CHECK(has(joined, 3, 1));
        const auto full = join_replicas({{7, 1}}, boundaries, 2, {10, 1});
        CHECK(full.size() == 2);  // one of each shard
        CHECK(has(full, 2, 0));
        CHECK(join_replicas({}, boundaries, 2, {0, 10}).empty());
    }
}
