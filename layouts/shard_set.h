// An index of separate shards: its manifest names folders, each an index of its own, and a router
// that knows which of them to ask.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "layouts/table_file.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trackway::layouts {

struct Manifest;

constexpr const char* kShardSetFormat = "trackway-shards";
constexpr std::uint16_t kShardSetMinor = 3;  // that had the first sets
constexpr std::uint16_t kPartitionMinor = 4;
constexpr std::uint32_t kRegionsMax = 65536;

// Folder names follow from uuid and shard number, as does that of the router's table
// (file_names.h), which bears the number of shard 0.
struct ShardSet {
    std::uint16_t format_minor = kFormatMinor;
    Uuid uuid{};
    // What vectors, and which of them together; shards of a set are those of one partition. Zero
    // before format 1.4, which did not have it.
    Uuid partition{};
    std::uint64_t vectors = 0;  // of the dataset
    std::uint32_t dimension = 0;
    ElementType element_type = ElementType::kFloat32;
    Metric metric = Metric::kL2;
    std::uint64_t seed = 0;
    std::uint32_t regions = 0;  // rows of the router's table
    // Shards are searched until they are expected to hold this share of a query's nearest.
    float share_sought = 1;
    std::vector<std::uint64_t> shard_vectors = {};  // of each shard, replicas among them

    bool operator==(const ShardSet&) const = default;
};

// The exact text of manifest.json.
std::string shard_set_text(const ShardSet& set);

// path is for messages. Accepts exactly what shard_set_text() writes.
Result<ShardSet> parse_shard_set(std::string_view text, const std::filesystem::path& path);

// Nothing where the index in the folder is one graph, or cannot be read at all: read_manifest()
// says what is wrong then.
Result<std::optional<ShardSet>> read_shard_set(const std::filesystem::path& index_dir);

// The same of a text that has been read.
Result<std::optional<ShardSet>> shard_set_in(const std::string& text,
                                             const std::filesystem::path& index_dir);

// Whether the index of a shard, in its folder, is what the set says of it: kCorruption otherwise.
Status check_shard(const ShardSet& set, std::uint32_t shard_id, const Manifest& manifest,
                   const std::filesystem::path& folder);

std::filesystem::path shard_folder(const std::filesystem::path& index_dir, const ShardSet& set,
                                   std::uint32_t shard_id);

// Of the router's table.
TableShape router_shape(const ShardSet& set) noexcept;

// The router's rows, each of `dimension` floats of a centroid and one for each shard; finite, and
// shares of 0 to 1.
Result<std::vector<float>> read_router(const std::filesystem::path& index_dir, const ShardSet& set);

}  // namespace trackway::layouts
