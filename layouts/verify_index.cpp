#include "layouts/verify_index.h"

#include "layouts/file_names.h"
#include "layouts/shard_set.h"
#include "layouts/vectors_file.h"
#include "layouts/verify_tables.h"

#include <cstdint>

namespace trackway::layouts {
namespace {

Status verify_one(const std::filesystem::path& index_dir, const Manifest& manifest) {
    TRACKWAY_TRY_ASSIGN(graph, GraphFiles::open(index_dir, manifest));
    TRACKWAY_TRY(verify_files(index_dir, manifest, graph));
    return {};
}

}  // namespace

Result<GraphContents> verify_files(const std::filesystem::path& index_dir, const Manifest& manifest,
                                   const GraphFiles& graph) {
    TRACKWAY_TRY_ASSIGN(contents, verify_graph(graph));
    TRACKWAY_TRY(verify_tables(index_dir, manifest, graph, contents));
    if (!manifest.is_encoded()) return contents;
    const auto path = index_dir / shard_file_name(manifest.uuid, kGraphShard, ShardPart::kVectors);
    TRACKWAY_TRY_ASSIGN(vectors, VectorsFile::open(path, manifest, graph.description()));
    TRACKWAY_TRY(verify_vectors(vectors));
    return contents;
}

Status verify_index(const std::filesystem::path& index_dir) {
    TRACKWAY_TRY_ASSIGN(set, read_shard_set(index_dir));
    if (!set) {
        TRACKWAY_TRY_ASSIGN(manifest, read_manifest(index_dir));
        return verify_one(index_dir, manifest);
    }
    TRACKWAY_TRY(read_router(index_dir, *set));
    for (std::uint32_t shard = 0; shard < set->shard_vectors.size(); ++shard) {
        const auto folder = shard_folder(index_dir, *set, shard);
        TRACKWAY_TRY_ASSIGN(manifest, read_manifest(folder));
        TRACKWAY_TRY(check_shard(*set, shard, manifest, folder));
        TRACKWAY_TRY(verify_one(folder, manifest));
    }
    return {};
}

}  // namespace trackway::layouts
