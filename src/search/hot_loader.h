// Fills the cache of hot records when an index is opened.
#pragma once

#include "trackway/options.h"
#include "trackway/result.h"

#include "search/opened_shard.h"

#include <cstdint>

namespace trackway::search {

// How many of the shard's hot vertices the options ask for. kOutOfMemory when the memory budget
// does not even hold the tables.
Result<std::uint32_t> hot_vertices_wanted(const OpenedShard& shard, const OpenOptions& options);

// Reads the pages of the first `count` hot vertices, many at a time, and keeps their records.
Status load_hot_records(OpenedShard& shard, std::uint32_t count, IoEngine engine);

}  // namespace trackway::search
