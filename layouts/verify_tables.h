// Reads all tables of a graph and checks the numbers in them against its vertices.
#pragma once

#include "trackway/result.h"

#include "layouts/graph_files.h"
#include "layouts/manifest.h"
#include "layouts/verify_graph.h"

#include <filesystem>

namespace trackway::layouts {

// Every checksum; every place in navigation, hot and covisits holds a vertex; hot places stand
// once; weights are numbers above 0. contents: what verify_graph() found.
Status verify_tables(const std::filesystem::path& index_dir, const Manifest& manifest,
                     const GraphFiles& graph, const GraphContents& contents);

}  // namespace trackway::layouts
