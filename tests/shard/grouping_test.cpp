#include "shard/grouping.h"

#include "base/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using namespace trackway;
using namespace trackway::shard;

namespace {

Points random_cells(std::size_t count, std::uint64_t seed) {
    base::Random random(seed);
    Points cells(count, 4);
    for (std::size_t c = 0; c < count; ++c)
        for (float& value : cells.row(c))
            value = static_cast<float>(random.normal());
    return cells;
}

std::vector<double> loads(std::span<const std::uint32_t> shard_of, std::span<const double> weights,
                          std::uint32_t shards) {
    std::vector<double> load(shards, 0);
    for (std::size_t c = 0; c < shard_of.size(); ++c)
        load[shard_of[c]] += weights[c];
    return load;
}

}  // namespace

TEST_SUITE("shard") {
    TEST_CASE("shards are of about equal weight, however cells lie") {
        for (const std::uint32_t shards : {2U, 5U, 16U}) {
            CAPTURE(shards);
            Points cells = random_cells(std::size_t{64} * shards, shards);
            // Most of them lie close together.
            for (std::size_t c = 0; c < cells.count() * 3 / 4; ++c)
                for (float& value : cells.row(c))
                    value *= 0.01F;
            const std::vector<double> weights(cells.count(), 10);
            const auto shard_of =
                group_cells({cells, weights}, {}, {.shards = shards}, base::Arena(1));
            const double mean = 640;
            for (const double load : loads(shard_of, weights, shards)) {
                CHECK(load <= kHeaviest * mean);
                CHECK(load >= kLightest * mean - 10);
            }
        }
    }

    TEST_CASE("cells that the same queries need come together, though they lie apart") {
        const Points cells = random_cells(200, 9);
        const std::vector<double> weights(200, 1);
        base::Random random(4);
        // Each query needs one of 20 sets of cells that have nothing to do with where they lie.
        std::vector<Neighborhood> queries;
        for (std::uint32_t q = 0; q < 1000; ++q) {
            const auto set = static_cast<std::uint32_t>(random.below(20));
            Neighborhood& query = queries.emplace_back();
            for (std::uint32_t i = 0; i < 10; ++i)
                query.push_back({set + 20 * i, 2});
        }
        const auto scatter = [&](double weight) {
            const auto shard_of =
                group_cells({cells, weights}, queries, {.shards = 4, .workload_weight = weight},
                            base::Arena(1));
            double sum = 0;
            for (const Neighborhood& query : queries) {
                std::vector<double> counts(4, 0);
                for (const CellShare& share : query)
                    counts[shard_of[share.cell]] += share.count / 20.0;
                sum += 1;
                for (const double count : counts)
                    sum -= count * count;
            }
            return sum / 1000;
        };
        const double alone = scatter(0);
        CHECK(alone > 0.5);
        CHECK(scatter(30) < 0.5 * alone);
    }

    TEST_CASE("fewer cells than shards, or one heavy cell, end well") {
        const Points one = random_cells(1, 1);
        const std::vector<double> weight = {100};
        CHECK(group_cells({one, weight}, {}, {.shards = 4}, base::Arena(1)).size() == 1);
        const Points cells = random_cells(10, 2);
        std::vector<double> weights(10, 1);
        weights[3] = 1000;
        const auto shard_of = group_cells({cells, weights}, {}, {.shards = 3}, base::Arena(1));
        CHECK(std::all_of(shard_of.begin(), shard_of.end(), [](auto s) { return s < 3; }));
    }
}
