// Reads all tables of a shard and checks the numbers in them against its vertices.
#pragma once

#include "trackway/result.h"

#include "layouts/manifest.h"
#include "layouts/shard_file.h"
#include "layouts/verify_shard.h"

#include <filesystem>

namespace trackway::layouts {

// Every checksum; every place in navigation, hot and covisits holds a vertex; hot places stand
// once; weights are numbers above 0. contents: what verify_shard() found.
Status verify_tables(const std::filesystem::path& index_dir, const Manifest& manifest,
                     const ShardFile& shard, const ShardContents& contents);

}  // namespace trackway::layouts
