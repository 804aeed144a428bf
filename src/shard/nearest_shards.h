// The shards whose cells lie nearest to a vector.
#pragma once

#include "shard/cells.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::shard {

struct NearShard {
    std::uint32_t shard = 0;
    std::uint32_t cell = 0;  // the nearest of the shard's cells
    float distance = 0;      // to it, squared
};

class NearestShards {
public:
    static constexpr std::size_t kMost = 8;
    static constexpr std::size_t kReplicasMax = 3;

    // Both must outlive it.
    NearestShards(const Points& cells, std::span<const std::uint32_t> shard_of,
                  std::uint32_t shards);

    // The nearest kMost shards, or all, nearest first, the smaller number of equals.
    std::span<const NearShard> find(std::span<const float> point);

    // Of what find() gave, without the first: shards worth a replica. One is left out when its cell
    // is nearer to that of a replica taken before than to the point: what is found there is found
    // in the other as well (Chen et al. 2021, "SPANN", section 3.2).
    std::span<const NearShard> replicas(std::span<const NearShard> near);

private:
    const Points& cells_;
    std::span<const std::uint32_t> shard_of_;
    std::vector<float> distances_;
    std::vector<NearShard> best_;  // of each shard
    std::vector<NearShard> near_;
    std::vector<NearShard> taken_;
};

}  // namespace trackway::shard
