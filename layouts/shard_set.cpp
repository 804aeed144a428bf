#include "layouts/shard_set.h"

#include "base/errors.h"
#include "layouts/file_names.h"
#include "layouts/file_start.h"
#include "layouts/json_fields.h"
#include "layouts/manifest.h"
#include "layouts/table_file.h"

#include <cmath>
#include <cstring>

namespace trackway::layouts {
namespace {

using base::fail;
using base::join;

Json body_of(const ShardSet& set) {
    Json shards = Json::array();
    for (const std::uint64_t vectors : set.shard_vectors)
        shards.push_back({{"vectors", vectors}});
    Json body = {{"format", kShardSetFormat},
                 {"format_major", kFormatMajor},
                 {"format_minor", set.format_minor},
                 {"uuid", uuid_text(set.uuid)},
                 {"vectors", set.vectors},
                 {"dimension", set.dimension},
                 {"element_type", name_of(set.element_type)},
                 {"metric", name_of(set.metric)},
                 {"seed", set.seed},
                 {"regions", set.regions},
                 {"share_sought", decimal_text(set.share_sought)}};
    if (set.format_minor >= kPartitionMinor) body["partition"] = uuid_text(set.partition);
    body["shards"] = std::move(shards);
    return body;
}

std::string text_of(const ShardPlace& place) {
    return join("shard ", place.shard, " of partition ", uuid_text(place.partition));
}

std::string read_fields(const Json& object, ShardSet& set) {
    FieldReader reader(object);
    reader.number("format_minor", set.format_minor, kShardSetMinor, kFormatMinor);
    read_identity(reader, set);
    reader.number("seed", set.seed, 0, std::numeric_limits<std::uint64_t>::max());
    reader.number("regions", set.regions, 1, kRegionsMax);
    reader.decimal("share_sought", set.share_sought, 0, 1);
    if (set.format_minor >= kPartitionMinor) read_uuid(reader, "partition", set.partition);
    read_list(object, "shards", reader, [&](FieldReader& fields) {
        fields.number("vectors", set.shard_vectors.emplace_back(), 1, set.vectors);
    });
    if (set.shard_vectors.empty() || set.shard_vectors.size() > kMaxShards)
        reader.blame("shards", join("1 to ", kMaxShards, " shards"));
    return reader.problem();
}

}  // namespace

std::string shard_set_text(const ShardSet& set) {
    return sealed_text(body_of(set));
}

Result<ShardSet> parse_shard_set(std::string_view text, const std::filesystem::path& path) {
    TRACKWAY_TRY_ASSIGN(object, parse_object(text, kShardSetFormat, path));
    ShardSet set;
    const std::string problem = read_fields(object, set);
    if (!problem.empty()) return fail(ErrorCode::kCorruption, join(path.string(), ": ", problem));
    TRACKWAY_TRY(check_sealed(text, body_of(set), path));
    return set;
}

Result<std::optional<ShardSet>> read_shard_set(const std::filesystem::path& index_dir) {
    const auto text = read_manifest_text(index_dir);
    if (!text) return std::nullopt;
    return shard_set_in(*text, index_dir);
}

Result<std::optional<ShardSet>> shard_set_in(const std::string& text,
                                             const std::filesystem::path& index_dir) {
    const Json object = Json::parse(text, nullptr, false);
    if (!has_format(object, kShardSetFormat)) return std::nullopt;
    TRACKWAY_TRY_ASSIGN(set, parse_shard_set(text, index_dir / kManifestName));
    return set;
}

Status check_shard(const ShardSet& set, std::uint32_t shard_id, const Manifest& manifest,
                   const std::filesystem::path& folder) {
    const ExpectedField fields[] = {
        {"dataset rows", set.vectors, manifest.row_count()},
        {"vectors", set.shard_vectors[shard_id], manifest.vectors},
        {"dimension", set.dimension, manifest.dimension},
        {"element type", static_cast<std::uint64_t>(set.element_type),
         static_cast<std::uint64_t>(manifest.element_type)},
        {"metric", static_cast<std::uint64_t>(set.metric),
         static_cast<std::uint64_t>(manifest.metric)},
        {"vector encoding", static_cast<std::uint64_t>(VectorEncoding::kAsGiven),
         static_cast<std::uint64_t>(manifest.encoding)},
    };
    TRACKWAY_TRY(check_fields(folder, fields, "the set of shards"));
    if (set.format_minor < kPartitionMinor) return {};
    const ShardPlace expected{set.partition, shard_id};
    if (manifest.place == expected) return {};
    return fail(
        ErrorCode::kCorruption,
        join(folder.string(), ": expected ", text_of(expected), " by the set of shards, found ",
             manifest.place ? text_of(*manifest.place) : "an index that is no shard"));
}

std::filesystem::path shard_folder(const std::filesystem::path& index_dir, const ShardSet& set,
                                   std::uint32_t shard_id) {
    return index_dir / shard_folder_name(set.uuid, shard_id);
}

TableShape router_shape(const ShardSet& set) noexcept {
    return {TableKind::kRouter,
            (set.dimension + static_cast<std::uint32_t>(set.shard_vectors.size())) *
                static_cast<std::uint32_t>(sizeof(float)),
            set.regions};
}

Result<std::vector<float>> read_router(const std::filesystem::path& index_dir,
                                       const ShardSet& set) {
    const auto path = index_dir / shard_file_name(set.uuid, kGraphShard, ShardPart::kRouter);
    TRACKWAY_TRY_ASSIGN(table, read_table(path, set.uuid, router_shape(set)));
    std::vector<float> values(table.size() / sizeof(float));
    std::memcpy(values.data(), table.data(), table.size());
    const std::size_t width = values.size() / set.regions;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const bool is_share = i % width >= set.dimension;
        const bool is_sound =
            std::isfinite(values[i]) && (!is_share || (values[i] >= 0 && values[i] <= 1));
        if (is_sound) continue;
        return fail(
            ErrorCode::kCorruption,
            join(path.string(), ": offset ", kHeaderBytes + i * sizeof(float), ": row ", i / width,
                 ": expected ", is_share ? "a share of 0 to 1" : "a finite number", ", found ",
                 values[i]));
    }
    return values;
}

}  // namespace trackway::layouts
