// Replicas that queries ask for: a vector is built as well in the shards where queries that find it
// have most of their other neighbours.
#pragma once

#include "shard/partition.h"

#include <cstdint>
#include <span>
#include <vector>

namespace trackway::shard {

// nearest: for each query, rows of the dataset. homes: of each row. A query is served best by the
// shard that holds most of its nearest, half as well by the next, and so on; what a replica gains
// is the sum of that over queries. The best are taken first, in a few rounds, since each changes
// what others gain. In order of row and shard.
std::vector<Replica> demanded_replicas(std::span<const std::vector<std::uint32_t>> nearest,
                                       std::span<const std::uint16_t> homes, std::uint32_t shards,
                                       const ReplicaLimits& limits);

// Those demanded, and in the room that they leave those at boundaries, nearest first. In order of
// row and shard.
std::vector<Replica> join_replicas(std::vector<Replica> demanded,
                                   std::span<const Replica> at_boundaries, std::uint32_t shards,
                                   const ReplicaLimits& limits);

}  // namespace trackway::shard
