#include "build/write_stage.h"

#include "base/assert.h"
#include "base/errors.h"
#include "build/page_maker.h"
#include "layouts/graph_tables.h"
#include "layouts/vectors_file.h"
#include "layouts/verify_graph.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace trackway::builder {
namespace {

using layouts::PageGeometry;
using layouts::ShardPart;

constexpr std::uint32_t kWriteBytes = 4U << 20U;
constexpr std::uint32_t kNoRow = UINT32_MAX;  // of a place without a vertex

Status write_pages(layouts::ShardFileWriter& writer, const PageGeometry& geometry,
                   const layouts::ShardExtent& extent, const PageMaker& pages,
                   const base::Arena& arena) {
    const std::size_t page_size = geometry.page_size_bytes;
    const std::uint32_t step = kWriteBytes / geometry.page_size_bytes;
    std::vector<std::byte> buffer(step * page_size);
    std::vector<PageMaker::Scratch> scratch(arena.thread_count());
    const std::uint32_t end = extent.first_page + extent.page_count;
    for (std::uint32_t begin = extent.first_page; begin < end;) {
        const std::uint32_t count = std::min(step, end - begin);
        arena.parallel_for(count, 16,
                           [&](std::size_t first, std::size_t last, std::uint32_t thread) {
                               for (std::size_t i = first; i < last; ++i) {
                                   pages.make(PageId{begin + static_cast<std::uint32_t>(i)},
                                              std::span(buffer).subspan(i * page_size, page_size),
                                              scratch[thread]);
                               }
                           });
        if (arena.stopped()) return base::cancelled();
        TRACKWAY_TRY(writer.append(std::span(buffer).first(count * page_size)));
        begin += count;
    }
    return {};
}

// Rows by place; places without a vertex hold zeros.
Status write_exact_rows(io::StagedFile& file, const layouts::VectorsGeometry& geometry,
                        const MatrixView& rows, std::span<const LocalId> place_of) {
    std::vector<std::uint32_t> row_at(geometry.place_count, kNoRow);
    for (std::uint32_t row = 0; row < place_of.size(); ++row)
        row_at[static_cast<std::uint32_t>(place_of[row])] = row;
    const std::size_t page_size = geometry.page_size_bytes;
    std::vector<std::byte> buffer(kWriteBytes / page_size * page_size);
    std::size_t used = 0;
    for (std::uint32_t page = 0; page < geometry.page_count; ++page) {
        const auto bytes = std::span(buffer).subspan(used, page_size);
        std::fill(bytes.begin(), bytes.end(), std::byte{0});
        std::byte* to = layouts::rows_on_page(geometry, bytes).data();
        const std::size_t first = std::size_t{page} * geometry.rows_per_page;
        for (std::size_t place = first; place < first + geometry.slots_of(PageId{page}); ++place) {
            if (row_at[place] != kNoRow)
                std::memcpy(to, rows.row(row_at[place]), geometry.row_bytes);
            to += geometry.row_bytes;
        }
        layouts::seal_vectors_page(geometry, PageId{page}, bytes);
        used += page_size;
        if (used < buffer.size() && page + 1 < geometry.page_count) continue;
        TRACKWAY_TRY(file.append(std::span(buffer).first(used)));
        used = 0;
    }
    return {};
}

}  // namespace

Result<StagedFiles> write_files(const std::filesystem::path& folder, const BuiltGraph& graph,
                                const GraphLayout& layout, layouts::Manifest& manifest,
                                const base::Arena& arena) {
    const layouts::GraphDescription& description = layout.description();
    const std::vector<layouts::CovisitRow> covisits = manifest.tables.covisit_edges > 0
                                                          ? layout.covisit_rows()
                                                          : std::vector<layouts::CovisitRow>();
    layouts::ManifestTables& tables = manifest.tables;
    tables.navigation_vertices = layout.navigation().size() / (kNavigationDegree + 2);
    tables.hot_vertices = layout.hot().size();
    tables.covisit_edges = covisits.size();
    const std::vector<float> codec_table = graph.codec.table();
    const auto path = [&](std::uint32_t shard, ShardPart part) {
        return folder / layouts::shard_file_name(manifest.uuid, shard, part);
    };
    const auto bytes_of = [&](ShardPart part) -> std::span<const std::byte> {
        switch (part) {
            case ShardPart::kCodes:
                return std::as_bytes(layout.codes());
            case ShardPart::kCodebook:
                return std::as_bytes(std::span(codec_table));
            case ShardPart::kNavigation:
                return std::as_bytes(layout.navigation());
            case ShardPart::kHot:
                return std::as_bytes(layout.hot());
            case ShardPart::kCovisits:
                return std::as_bytes(std::span(covisits));
            case ShardPart::kPages:
            case ShardPart::kVectors:
            case ShardPart::kRouter:
                break;
        }
        return {};
    };
    StagedFiles staged;
    const PageMaker maker(graph, layout.packing());
    manifest.shards.clear();
    for (const layouts::ShardExtent& extent : layout.extents()) {
        TRACKWAY_TRY_ASSIGN(
            pages, layouts::ShardFileWriter::create(path(extent.shard_id, ShardPart::kPages),
                                                    manifest.uuid, description, extent));
        TRACKWAY_TRY(write_pages(pages, description.geometry, extent, maker, arena));
        manifest.shards.push_back({extent.vertex_count, pages.file().size_bytes()});
        staged.push_back(std::move(pages.file()));
    }
    for (const ShardPart part : layouts::table_parts(manifest)) {
        TRACKWAY_TRY_ASSIGN(table,
                            layouts::write_table(path(layouts::kGraphShard, part), manifest.uuid,
                                                 layouts::table_shape(part, manifest, description),
                                                 bytes_of(part)));
        if (part == ShardPart::kCodes) tables.codes_bytes = table.size_bytes();
        if (part == ShardPart::kCodebook) tables.codebook_bytes = table.size_bytes();
        staged.push_back(std::move(table));
    }
    if (manifest.is_encoded()) {
        TRACKWAY_TRY_ASSIGN(
            file, layouts::create_vectors_file(path(layouts::kGraphShard, ShardPart::kVectors),
                                               manifest, description));
        TRACKWAY_TRY(write_exact_rows(file, layouts::vectors_geometry(manifest, description),
                                      graph.given, layout.packing().place));
        staged.push_back(std::move(file));
    }
    return staged;
}

Result<layouts::GraphFiles> open_staged(const StagedFiles& staged,
                                        const layouts::Manifest& manifest, io::Caching caching) {
    std::vector<std::filesystem::path> paths;
    for (std::size_t shard = 0; shard < manifest.shards.size(); ++shard)
        paths.push_back(staged[shard].staged_path());
    return layouts::GraphFiles::open(paths, manifest, caching);
}

Status verify_staged(const StagedFiles& staged, const layouts::Manifest& manifest) {
    TRACKWAY_TRY_ASSIGN(read_back, layouts::parse_manifest(layouts::manifest_text(manifest),
                                                           "manifest.json, not yet written"));
    TRACKWAY_ASSERT(read_back == manifest);
    TRACKWAY_TRY_ASSIGN(graph, open_staged(staged, manifest, io::Caching::kDirect));
    TRACKWAY_TRY(layouts::verify_graph(graph));
    std::size_t next = manifest.shards.size();
    for (const ShardPart part : layouts::table_parts(manifest)) {
        TRACKWAY_TRY(
            layouts::read_table(staged[next++].staged_path(), manifest.uuid,
                                layouts::table_shape(part, manifest, graph.description())));
    }
    if (!manifest.is_encoded()) return {};
    TRACKWAY_TRY_ASSIGN(vectors, layouts::VectorsFile::open(staged[next].staged_path(), manifest,
                                                            graph.description()));
    return layouts::verify_vectors(vectors);
}

}  // namespace trackway::builder
