// Writes the files of one shard under temporary names and verifies them by reading them back.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "base/arena.h"
#include "build/index_folder.h"
#include "build/shard_layout.h"
#include "io/file.h"
#include "layouts/manifest.h"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace trackway::builder {

// The files of a shard, not yet named; pages first.
using StagedShard = std::vector<io::StagedFile>;

// Fills in what the manifest says of shard 0; the rest of it is there already. kCancelled when
// arena.stopped().
Result<StagedShard> write_shard(const std::filesystem::path& folder, const ShardGraph& graph,
                                const ShardLayout& layout, layouts::Manifest& manifest,
                                const base::Arena& arena);

// Reopens the files as a search would, by their temporary names, and checks every byte.
Status verify_staged(const StagedShard& staged, const layouts::Manifest& manifest);

}  // namespace trackway::builder
