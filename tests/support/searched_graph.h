// Opens a test index of one shard the way a search does, with its page file in memory too.
#pragma once

#include "io/file.h"
#include "layouts/manifest.h"
#include "search/opened_graph.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

namespace trackway::test {

struct SearchedGraph {
    std::unique_ptr<search::OpenedGraph> graph;
    std::vector<std::byte> pages;
};

inline SearchedGraph open_graph(const std::filesystem::path& index_dir) {
    const auto manifest = layouts::read_manifest(index_dir);
    REQUIRE(manifest);
    REQUIRE(manifest->shards.size() == 1);
    auto graph = search::OpenedGraph::open(index_dir, *manifest);
    REQUIRE(graph);
    auto bytes = io::read_file(graph->files.shards().front().file.path(), 1U << 30U);
    REQUIRE(bytes);
    return {std::make_unique<search::OpenedGraph>(std::move(*graph)), std::move(*bytes)};
}

}  // namespace trackway::test
