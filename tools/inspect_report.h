// What inspect-index says of an index, as text and as JSON.
#pragma once

#include "layouts/graph_files.h"
#include "layouts/manifest.h"
#include "layouts/shard_set.h"

#include <nlohmann/json.hpp>

namespace trackway::tools {

void print_manifest(const layouts::Manifest& manifest);
void print_graph(const layouts::Manifest& manifest, const layouts::GraphFiles& graph);
nlohmann::ordered_json graph_json(const layouts::Manifest& manifest,
                                  const layouts::GraphFiles& graph);

// Of separate shards, before each of them.
void print_shard_set(const layouts::ShardSet& set);
nlohmann::ordered_json shard_set_json(const layouts::ShardSet& set);

}  // namespace trackway::tools
