// Which of separate shards to ask: learned from where the nearest vectors of a sample of queries
// lie.
#pragma once

#include "trackway/types.h"

#include "base/arena.h"
#include "shard/cells.h"
#include "shard/partition.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::shard {

struct ShardPromise {
    std::uint32_t shard = 0;
    float share = 0;  // of the query's nearest vectors that the shard is expected to add
};

// Regions of the queries' space. Row-major: centroid, then for each shard the share of its queries'
// nearest that the shard adds when shards are searched one after the other, the one that adds most
// first: replicas count once.
struct RouterRows {
    std::uint32_t dimension = 0;
    std::uint32_t shards = 0;
    std::span<const float> values;

    std::size_t width() const noexcept { return std::size_t{dimension} + shards; }
    std::size_t count() const noexcept { return values.size() / width(); }
    std::span<const float> centroid(std::size_t i) const noexcept {
        return values.subspan(i * width(), dimension);
    }
    // Squared, of the query to all centroids.
    void distances(std::span<const float> query, std::span<float> out) const;
    std::span<const float> shares(std::size_t i) const noexcept {
        return values.subspan(i * width() + dimension, shards);
    }
};

// Working memory of one thread.
struct RouteScratch {
    std::vector<float> distances;
    std::vector<std::uint32_t> nearest;
    std::vector<ShardPromise> promises;
};

// All shards, the most promising first: by the mean of the nearest few regions, the nearer weighing
// more. query: floats as distance::row_floats() gives them.
std::span<const ShardPromise> route(const RouterRows& rows, std::span<const float> query,
                                    RouteScratch& scratch);

// How many shards the query should search so that the share expected to be missed is at most
// 1 - share_sought, of all that the shards promise.
std::size_t probes_for(std::span<const ShardPromise> promises, float share_sought) noexcept;

struct RouterTask {
    MatrixView sample;                                      // of all vectors
    std::span<const std::vector<std::uint16_t>> shards_of;  // of each row of the sample
    std::uint32_t shards = 1;
    Metric metric = Metric::kL2;
    PartitionQueries queries;  // judging ones decide share_sought
    std::uint64_t seed = 1;
};

struct TrainedRouter {
    std::uint32_t regions = 0;
    std::vector<float> values;  // RouterRows
    float share_sought = 1;
};

// Of a workload, those that teach replicas and router; the others judge. The more teach, the better
// both are.
constexpr std::uint64_t kJudgedEvery = 8;

// Where queries are too few or too much alike to conclude anything, all shards promise the same and
// are searched. REQUIRES: at least one training query. Unfinished when arena.stopped().
TrainedRouter train_router(const RouterTask& task, const base::Arena& arena);

}  // namespace trackway::shard
