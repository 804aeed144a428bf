// The codec of an index, from its table.
#pragma once

#include "trackway/result.h"

#include "layouts/manifest.h"
#include "layouts/shard_file.h"
#include "quant/codec.h"

#include <filesystem>
#include <memory>

namespace trackway::beam {

// path is the table's. kCorruption when no codec has what manifest and table say.
Result<std::unique_ptr<quant::Codec>> read_codec(const std::filesystem::path& path,
                                                 const layouts::Manifest& manifest,
                                                 const layouts::GraphDescription& graph);

}  // namespace trackway::beam
