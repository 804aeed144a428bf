// Which shard each vector belongs to, and in which others it is built as well.
#pragma once

#include "trackway/types.h"

#include "base/arena.h"
#include "shard/cells.h"
#include "shard/grouping.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace trackway::shard {

struct PartitionOptions {
    std::uint32_t shards = 1;
    double replica_factor = 1;                   // built vectors for each vector, at most
    std::optional<double> workload_weight = {};  // GroupingOptions; learned where not given
    std::uint64_t seed = 1;
};

// What a weight makes of queries that were held out.
struct WeightTrial {
    double weight = 0;
    double shards_per_query = 0;  // that hold 95 % of its nearest, the fullest first
};

struct Partition {
    Points cells;
    std::vector<std::uint32_t> shard_of;  // of each cell
    std::uint32_t shards = 1;
    double replica_factor = 1;
    // A vector is built in another shard whose nearest cell is at most so many times as far, in
    // squared distance, as that of its own.
    float replica_ratio = 0;
    double workload_weight = 0;
    std::vector<WeightTrial> trials = {};  // where the weight was learned
};

// Queries of a workload, as the vectors' elements. Either may be empty.
struct PartitionQueries {
    MatrixView training;
    MatrixView judging;
};

// sample: rows drawn evenly from all. Without training queries the weight is 0; without judging
// ones it is 1 where it is not given. Unfinished when arena.stopped().
Partition train_partition(const MatrixView& sample, Metric metric, const PartitionQueries& queries,
                          const PartitionOptions& options, const base::Arena& arena);

// A vector that is built in a shard that is not its own.
struct Replica {
    std::uint32_t row = 0;
    std::uint32_t shard = 0;
    // At a boundary: how many times as far its nearest cell is as that of the vector's own shard.
    float ratio = 0;

    bool operator==(const Replica&) const = default;
};

struct ReplicaLimits {
    std::uint64_t replicas = 0;           // in all
    std::uint64_t replicas_of_shard = 0;  // of each
};

// Takes all rows in order, block by block.
class Assigner {
public:
    // No shard gets more than this share of the mean as its own.
    static constexpr double kHomeMax = 1.3;
    static std::uint64_t home_max(std::uint64_t rows, std::uint32_t shards) noexcept;
    // Nor is it built with more vectors in all.
    static std::uint64_t members_max(std::uint64_t rows, std::uint32_t shards,
                                     double replica_factor) noexcept;

    // The partition must outlive it. rows: of all blocks together.
    Assigner(const Partition& partition, Metric metric, std::uint64_t rows);

    // Unfinished when arena.stopped().
    void add(const MatrixView& block, const base::Arena& arena);

    // Of each row added.
    std::span<const std::uint16_t> homes() const noexcept { return homes_; }
    // In the order of rows.
    std::span<const Replica> replicas() const noexcept { return replicas_; }
    std::span<const std::uint64_t> home_counts() const noexcept { return home_counts_; }
    ReplicaLimits limits() const noexcept { return {replicas_max_, replica_max_}; }

private:
    struct Near;
    void place(std::span<const Near> near);
    void add_replica(const Replica& replica, std::uint32_t home);

    const Partition& partition_;
    Metric metric_;
    std::uint64_t home_max_;
    std::uint64_t replica_max_;  // of one shard
    std::uint64_t replicas_max_;
    std::vector<std::uint16_t> homes_;
    std::vector<Replica> replicas_;
    std::vector<std::uint64_t> home_counts_;
    std::vector<std::uint64_t> replica_counts_;
};

}  // namespace trackway::shard
