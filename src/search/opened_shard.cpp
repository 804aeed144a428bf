#include "search/opened_shard.h"

#include "base/errors.h"
#include "layouts/file_names.h"
#include "layouts/table_file.h"

#include <cstring>
#include <utility>
#include <vector>

namespace trackway::search {
namespace {

using base::fail;
using base::join;
using layouts::ShardPart;

Status check_against_manifest(const layouts::ShardFile& shard, const layouts::Manifest& manifest,
                              const layouts::ManifestShard& entry) {
    const layouts::ShardDescription& found = shard.description;
    struct Field {
        const char* name;
        std::uint64_t expected, found;
    };
    const Field fields[] = {
        {"element type", static_cast<std::uint64_t>(manifest.element_type),
         static_cast<std::uint64_t>(found.element_type)},
        {"metric", static_cast<std::uint64_t>(manifest.metric),
         static_cast<std::uint64_t>(found.metric)},
        {"dimension", manifest.dimension, found.dimension},
        {"max degree", manifest.max_degree, found.geometry.max_degree},
        {"dataset rows", manifest.vectors, found.geometry.row_count},
        {"vertices", entry.vectors, found.vertex_count},
        {"file bytes", entry.pages_bytes, shard.file.size_bytes()},
    };
    for (const Field& field : fields) {
        if (field.expected == field.found) continue;
        return fail(ErrorCode::kCorruption,
                    join(shard.file.path().string(), ": ", field.name, ": expected ",
                         field.expected, " by the manifest, found ", field.found));
    }
    return {};
}

}  // namespace

Result<OpenedShard> OpenedShard::open(const std::filesystem::path& index_dir,
                                      const layouts::Manifest& manifest, std::uint32_t shard_id) {
    const auto path = [&](ShardPart part) {
        return index_dir / layouts::shard_file_name(manifest.uuid, shard_id, part);
    };
    TRACKWAY_TRY_ASSIGN(shard,
                        layouts::ShardFile::open(path(ShardPart::kPages), manifest.uuid, shard_id));
    TRACKWAY_TRY(check_against_manifest(shard, manifest, manifest.shards[shard_id]));
    const layouts::TableShape codes_shape{layouts::TableKind::kCodes, shard_id, manifest.code_bytes,
                                          shard.description.geometry.place_count()};
    const layouts::TableShape codebook_shape{
        layouts::TableKind::kCodebook, shard_id,
        distance::kCodewords * static_cast<std::uint32_t>(sizeof(float)), manifest.dimension};
    if (manifest.code_bytes > manifest.dimension) {
        return fail(ErrorCode::kCorruption,
                    join(index_dir.string(), ": manifest: code bytes: expected at most ",
                         manifest.dimension, ", found ", manifest.code_bytes));
    }
    TRACKWAY_TRY_ASSIGN(
        codebook, layouts::read_table(path(ShardPart::kCodebook), manifest.uuid, codebook_shape));
    TRACKWAY_TRY_ASSIGN(codes,
                        layouts::read_table(path(ShardPart::kCodes), manifest.uuid, codes_shape));
    std::vector<float> codewords(codebook.size() / sizeof(float));
    std::memcpy(codewords.data(), codebook.data(), codebook.size());
    return OpenedShard{
        std::move(shard), std::move(codes),
        quant::ProductQuantizer(manifest.dimension, manifest.code_bytes, std::move(codewords))};
}

}  // namespace trackway::search
