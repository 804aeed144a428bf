// Puts cells together into shards of about equal weight: cells near one another, and cells that the
// same queries need.
#pragma once

#include "shard/cells.h"

#include <cstdint>
#include <span>
#include <vector>

namespace trackway::shard {

// How many of one query's nearest vectors lie in one cell.
struct CellShare {
    std::uint32_t cell = 0;
    std::uint32_t count = 0;
};
// Of one query.
using Neighborhood = std::vector<CellShare>;

struct CellSet {
    const Points& centroids;
    std::span<const double> weights;  // of each cell: how many vectors it stands for
};

struct GroupingOptions {
    std::uint32_t shards = 1;
    // What a query's scattered neighbourhood costs against vectors far from their shard's middle;
    // 0: vectors alone decide.
    double workload_weight = 0;
    std::uint64_t seed = 1;
};

// The shard of each cell: balanced k-means over the cells (seeded by k-means++), then moves of
// single cells that lower
//   mean squared distance of vectors to their shard's centroid / that of the start
//   + workload_weight x mean over queries of 1 - sum over shards of (share of its neighbourhood)^2,
// the chance that two of a query's nearest lie in different shards. No shard is heavier than
// kHeaviest times the mean as far as single cells allow, nor lighter than kLightest. Unfinished
// when arena.stopped().
std::vector<std::uint32_t> group_cells(const CellSet& cells, std::span<const Neighborhood> queries,
                                       const GroupingOptions& options, const base::Arena& arena);

constexpr double kHeaviest = 1.15;
constexpr double kLightest = 0.6;

}  // namespace trackway::shard
