// Reads every byte of an index and checks it.
#pragma once

#include "trackway/result.h"

#include "layouts/graph_files.h"
#include "layouts/manifest.h"
#include "layouts/verify_graph.h"

#include <filesystem>

namespace trackway::layouts {

// Pages, tables and exact vectors of one graph.
Result<GraphContents> verify_files(const std::filesystem::path& index_dir, const Manifest& manifest,
                                   const GraphFiles& graph);

// The manifest and every file that it names, of all shards; the first error ends it.
Status verify_index(const std::filesystem::path& index_dir);

}  // namespace trackway::layouts
