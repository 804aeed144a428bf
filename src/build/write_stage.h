// Writes the files of a graph under temporary names and verifies them by reading them back.
#pragma once

#include "trackway/result.h"

#include "base/arena.h"
#include "build/graph_layout.h"
#include "build/index_folder.h"
#include "io/file.h"
#include "layouts/graph_files.h"
#include "layouts/manifest.h"

#include <filesystem>
#include <vector>

namespace trackway::builder {

// Not yet named; the pages of each shard first.
using StagedFiles = std::vector<io::StagedFile>;

// Fills in what the manifest says of shards and tables; the rest of it is there already. kCancelled
// when arena.stopped().
Result<StagedFiles> write_files(const std::filesystem::path& folder, const BuiltGraph& graph,
                                const GraphLayout& layout, layouts::Manifest& manifest,
                                const base::Arena& arena);

// The files of pages among them, opened by their temporary names.
Result<layouts::GraphFiles> open_staged(const StagedFiles& staged,
                                        const layouts::Manifest& manifest, io::Caching caching);

// Reopens the files as a search would, by their temporary names, and checks every byte.
Status verify_staged(const StagedFiles& staged, const layouts::Manifest& manifest);

}  // namespace trackway::builder
