#include "layouts/graph_files.h"

#include "base/errors.h"
#include "layouts/file_names.h"
#include "layouts/file_start.h"

#include <utility>

namespace trackway::layouts {
namespace {

using base::fail;
using base::join;

Status check_against_manifest(const ShardFile& shard, const Manifest& manifest) {
    const GraphDescription& found = shard.graph;
    const ManifestShard& entry = manifest.shards[shard.extent.shard_id];
    const ExpectedField fields[] = {
        {"element type",
         static_cast<std::uint64_t>(
             stored_type(manifest.encoding, manifest.metric, manifest.element_type)),
         static_cast<std::uint64_t>(found.element_type)},
        {"metric", static_cast<std::uint64_t>(manifest.metric),
         static_cast<std::uint64_t>(found.metric)},
        {"dimension", manifest.dimension, found.dimension},
        {"max degree", manifest.max_degree, found.geometry.max_degree},
        {"dataset rows", manifest.row_count(), found.geometry.row_count},
        {"page order", static_cast<std::uint64_t>(manifest.page_order),
         static_cast<std::uint64_t>(found.page_order)},
        {"graph vertices", manifest.vectors, found.vertex_count},
        {"vertices", entry.vectors, shard.extent.vertex_count},
        {"file bytes", entry.pages_bytes, shard.file.size_bytes()},
    };
    if (manifest.code_bytes > manifest.dimension) {
        return fail(ErrorCode::kCorruption,
                    join(shard.file.path().string(), ": manifest: code bytes: expected at most ",
                         manifest.dimension, ", found ", manifest.code_bytes));
    }
    return check_fields(shard.file.path(), fields, "the manifest");
}

// Headers of one graph say the same of it, and its pages go on where those of the shard before end.
Status check_against_first(const ShardFile& shard, const ShardFile& first, std::uint32_t pages) {
    const PageGeometry& expected = first.graph.geometry;
    const PageGeometry& found = shard.graph.geometry;
    const ExpectedField fields[] = {
        {"first page", pages, shard.extent.first_page},
        {"graph pages", expected.page_count, found.page_count},
        {"page size", expected.page_size_bytes, found.page_size_bytes},
        {"vertices per page", expected.vertices_per_page, found.vertices_per_page},
        {"neighbor bits", expected.edges.width(), found.edges.width()},
        {"place limit", expected.edges.place_limit(), found.edges.place_limit()},
        {"row bits", expected.row_bits, found.row_bits},
        {"entry point", static_cast<std::uint32_t>(first.graph.entry_point),
         static_cast<std::uint32_t>(shard.graph.entry_point)},
    };
    return check_fields(shard.file.path(), fields, "the shards before");
}

}  // namespace

Result<GraphFiles> GraphFiles::open(const std::filesystem::path& index_dir,
                                    const Manifest& manifest) {
    std::vector<std::filesystem::path> paths;
    for (std::uint32_t id = 0; id < manifest.shards.size(); ++id)
        paths.push_back(index_dir / shard_file_name(manifest.uuid, id, ShardPart::kPages));
    return open(paths, manifest);
}

Result<GraphFiles> GraphFiles::open(std::span<const std::filesystem::path> paths,
                                    const Manifest& manifest, io::Caching caching) {
    GraphFiles graph;
    std::vector<std::uint32_t> starts;
    std::uint32_t pages = 0;
    for (std::uint32_t id = 0; id < paths.size(); ++id) {
        TRACKWAY_TRY_ASSIGN(shard, ShardFile::open(paths[id], manifest.uuid, id, caching));
        TRACKWAY_TRY(check_against_manifest(shard, manifest));
        TRACKWAY_TRY(check_against_first(shard, id == 0 ? shard : graph.shards_.front(), pages));
        if (id > 0) starts.push_back(pages);
        pages += shard.extent.page_count;  // no more than the graph has
        graph.shards_.push_back(std::move(shard));
    }
    const ShardFile& first = graph.shards_.front();
    if (pages != first.graph.geometry.page_count) {
        return fail(ErrorCode::kCorruption,
                    join(first.file.path().string(), ": graph pages: expected ", pages,
                         " as all shards have, found ", first.graph.geometry.page_count));
    }
    graph.description_ = std::make_unique<GraphDescription>(first.graph);
    graph.description_->geometry.file_starts = std::move(starts);
    return graph;
}

std::uint64_t GraphFiles::bytes() const noexcept {
    std::uint64_t bytes = 0;
    for (const ShardFile& shard : shards_)
        bytes += shard.file.size_bytes();
    return bytes;
}

Status GraphFiles::read(PageId page, std::span<std::byte> bytes) const {
    return file_of(page).read_exact(geometry().offset_of(page), bytes);
}

std::string GraphFiles::locate(PageId page, std::string_view what) const {
    return shards_[geometry().shard_of(page)].locate(page, what);
}

}  // namespace trackway::layouts
