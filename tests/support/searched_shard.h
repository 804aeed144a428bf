// Opens the one shard of a test index the way a search does, with its page file in memory too.
#pragma once

#include "io/file.h"
#include "layouts/file_names.h"
#include "layouts/manifest.h"
#include "search/opened_shard.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

namespace trackway::test {

struct SearchedShard {
    std::unique_ptr<search::OpenedShard> shard;
    std::vector<std::byte> pages;
};

inline SearchedShard open_shard(const std::filesystem::path& index_dir) {
    const auto manifest = layouts::read_manifest(index_dir);
    REQUIRE(manifest);
    auto shard = search::OpenedShard::open(index_dir, *manifest, 0);
    REQUIRE(shard);
    auto bytes = io::read_file(shard->file.file.path(), 1U << 30U);
    REQUIRE(bytes);
    return {std::make_unique<search::OpenedShard>(std::move(*shard)), std::move(*bytes)};
}

}  // namespace trackway::test
