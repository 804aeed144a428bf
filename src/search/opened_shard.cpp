#include "search/opened_shard.h"

#include "base/errors.h"
#include "layouts/file_names.h"
#include "layouts/table_file.h"
#include "layouts/verify_shard.h"

#include <cstring>
#include <utility>
#include <vector>

namespace trackway::search {
using base::fail;
using base::join;
using layouts::ShardPart;

Result<OpenedShard> OpenedShard::open(const std::filesystem::path& index_dir,
                                      const layouts::Manifest& manifest, std::uint32_t shard_id) {
    const auto path = [&](ShardPart part) {
        return index_dir / layouts::shard_file_name(manifest.uuid, shard_id, part);
    };
    TRACKWAY_TRY_ASSIGN(shard,
                        layouts::ShardFile::open(path(ShardPart::kPages), manifest.uuid, shard_id));
    TRACKWAY_TRY(layouts::check_against_manifest(shard, manifest));
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
