#include "build/load_graph.h"

#include "base/errors.h"
#include "base/machine.h"
#include "beam/read_codec.h"
#include "build/covisits.h"
#include "build/graph_layout.h"
#include "build/plan.h"
#include "build/workload.h"
#include "layouts/file_names.h"
#include "layouts/graph_tables.h"
#include "layouts/vectors_file.h"
#include "layouts/verify_graph.h"

#include <algorithm>
#include <cstring>

namespace trackway::builder {
namespace {

using base::fail;
using base::join;
using layouts::ShardPart;

// What loading and laying out hold at once.
std::uint64_t bytes_needed(const layouts::GraphFiles& graph, const layouts::Manifest& manifest) {
    const layouts::PageGeometry& geometry = graph.geometry();
    const std::uint64_t exact_bytes =
        manifest.is_encoded() ? manifest.dimension * element_size_bytes(manifest.element_type) : 0;
    const std::uint64_t vertex = geometry.vector_bytes + exact_bytes + geometry.max_degree * 4 +
                                 16 + std::uint64_t{manifest.code_bytes} * 2 + kLayoutBytesEach +
                                 order_bytes_each(geometry.max_degree, true) +
                                 calibration_bytes_each(geometry.max_degree, geometry.vector_bytes);
    return graph.description().vertex_count * vertex + Workload::bytes_max(geometry.vector_bytes) +
           covisit_pair_bytes() + kFixedBytes;
}

// A hostile header may allow a degree that no page would hold once it is laid out anew.
Status check_degree(const layouts::GraphFiles& graph) {
    const layouts::PageGeometry& geometry = graph.geometry();
    return layouts::check_page_size({geometry.vector_bytes, geometry.max_degree,
                                     graph.description().vertex_count, geometry.row_count},
                                    geometry.page_size_bytes);
}

Status check_room(const layouts::GraphFiles& graph, const layouts::Manifest& manifest,
                  std::uint64_t budget) {
    const std::uint64_t room = budget != 0 ? budget : base::usable_memory_bytes() / 5 * 4;
    const std::uint64_t needed = bytes_needed(graph, manifest);
    if (needed <= room) return {};
    return fail(ErrorCode::kOutOfMemory,
                join("memory budget: laying out ", graph.shards().front().file.path().string(),
                     " needs ", needed, " bytes, found ", room));
}

}  // namespace

Result<LoadedGraph> LoadedGraph::load(const std::filesystem::path& index_dir,
                                      const layouts::Manifest& manifest,
                                      std::uint64_t memory_budget_bytes) {
    const auto path = [&](ShardPart part) {
        return index_dir / layouts::shard_file_name(manifest.uuid, layouts::kGraphShard, part);
    };
    TRACKWAY_TRY_ASSIGN(files, layouts::GraphFiles::open(index_dir, manifest));
    TRACKWAY_TRY(check_degree(files));
    TRACKWAY_TRY(check_room(files, manifest, memory_budget_bytes));
    const auto table = [&](ShardPart part) {
        return layouts::read_table(path(part), manifest.uuid,
                                   layouts::table_shape(part, manifest, files.description()));
    };
    TRACKWAY_TRY_ASSIGN(
        codec, beam::read_codec(path(ShardPart::kCodebook), manifest, files.description()));
    TRACKWAY_TRY_ASSIGN(codes, table(ShardPart::kCodes));
    LoadedGraph graph(std::move(codec));
    // All pages are sound, every row stands once, every edge leads to a vertex.
    TRACKWAY_TRY(layouts::verify_graph(files));
    const layouts::GraphDescription& description = files.description();
    const layouts::PageGeometry& geometry = description.geometry;
    const std::uint32_t count = description.vertex_count;
    graph.page_size_bytes_ = geometry.page_size_bytes;
    graph.metric_ = description.metric;
    graph.data_ = base::AlignedBuffer(std::size_t{count} * geometry.vector_bytes);
    graph.matrix_ = {graph.data_.data(), description.element_type, count, description.dimension};
    graph.adjacency_ = graph::Adjacency(count, geometry.max_degree);
    graph.codes_.resize(std::size_t{count} * manifest.code_bytes);
    graph.vertex_at_.assign(geometry.place_count(), kNoVertex);
    std::vector<std::uint32_t> neighbors(geometry.max_degree);
    const auto each_slot = [&](const auto& body) {
        return layouts::for_each_page(files, [&](PageId page, const layouts::PageView& view) {
            for (std::uint32_t slot = 0; slot < view.slot_count(); ++slot)
                body(static_cast<std::uint32_t>(geometry.place(page, slot)), view, slot);
            return Status();
        });
    };
    std::vector<std::uint32_t> row_at(geometry.place_count(), kNoVertex);
    TRACKWAY_TRY(
        each_slot([&](std::uint32_t place, const layouts::PageView& view, std::uint32_t slot) {
            row_at[place] = static_cast<std::uint32_t>(static_cast<std::uint64_t>(view.row(slot)));
        }));
    graph.number_vertices(files, row_at);
    TRACKWAY_TRY(each_slot([&](std::uint32_t place, const layouts::PageView& view,
                               std::uint32_t slot) {
        const std::size_t vertex = graph.vertex_at_[place];
        std::memcpy(graph.data_.data() + vertex * geometry.vector_bytes,
                    view.vectors() + std::size_t{slot} * geometry.vector_bytes,
                    geometry.vector_bytes);
        std::memcpy(graph.codes_.data() + vertex * manifest.code_bytes,
                    codes.data() + std::size_t{place} * manifest.code_bytes, manifest.code_bytes);
    }));
    TRACKWAY_TRY(
        each_slot([&](std::uint32_t place, const layouts::PageView& view, std::uint32_t slot) {
            view.neighbors(slot, neighbors.data());
            const auto places = std::span(neighbors).first(view.degree(slot));
            for (std::uint32_t& neighbor : places)
                neighbor = graph.vertex_at_[neighbor];
            graph.adjacency_.set(graph.vertex_at_[place], places);
            graph.adjacency_.sort(graph.vertex_at_[place]);
        }));
    if (manifest.is_encoded())
        TRACKWAY_TRY(graph.load_exact(path(ShardPart::kVectors), manifest, description));
    graph.entry_point_ = graph.vertex_at_[static_cast<std::uint32_t>(description.entry_point)];
    return graph;
}

// Within a shard in the order of rows.
void LoadedGraph::number_vertices(const layouts::GraphFiles& files,
                                  std::span<const std::uint32_t> row_at) {
    const layouts::PageGeometry& geometry = files.geometry();
    for (const layouts::ShardFile& shard : files.shards()) {
        const std::size_t first = std::size_t{shard.extent.first_page} * geometry.vertices_per_page;
        const std::size_t places =
            std::size_t{shard.extent.page_count} * geometry.vertices_per_page;
        const auto begin = static_cast<std::ptrdiff_t>(rows_.size());
        for (const std::uint32_t row : row_at.subspan(first, places))
            if (row != kNoVertex) rows_.push_back(row);
        std::sort(rows_.begin() + begin, rows_.end());
        for (std::size_t place = first; place < first + places; ++place) {
            if (row_at[place] == kNoVertex) continue;
            const auto at = std::lower_bound(rows_.begin() + begin, rows_.end(), row_at[place]);
            vertex_at_[place] = static_cast<std::uint32_t>(at - rows_.begin());
        }
        starts_.push_back(static_cast<std::uint32_t>(rows_.size()));
    }
    row_count_ = geometry.row_count;
}

Status LoadedGraph::load_exact(const std::filesystem::path& path, const layouts::Manifest& manifest,
                               const layouts::GraphDescription& description) {
    TRACKWAY_TRY_ASSIGN(file, layouts::VectorsFile::open(path, manifest, description));
    const layouts::VectorsGeometry& geometry = file.geometry;
    exact_data_ = base::AlignedBuffer(matrix_.row_count * geometry.row_bytes);
    exact_ = {exact_data_.data(), manifest.element_type, matrix_.row_count, matrix_.dimension};
    return layouts::for_each_vectors_page(file, [&](PageId page, const std::byte* rows) {
        const std::size_t first =
            std::size_t{static_cast<std::uint32_t>(page)} * geometry.rows_per_page;
        for (std::uint32_t slot = 0; slot < geometry.slots_of(page); ++slot) {
            const std::uint32_t vertex = vertex_at_[first + slot];
            if (vertex == kNoVertex) continue;
            std::memcpy(exact_data_.data() + std::size_t{vertex} * geometry.row_bytes,
                        rows + std::size_t{slot} * geometry.row_bytes, geometry.row_bytes);
        }
    });
}

BuiltGraph LoadedGraph::graph() const noexcept {
    return {
        .vectors = matrix_,
        .given = exact_,
        .metric = metric_,
        .adjacency = adjacency_,
        .numbers = numbers(),
        .entry_point = entry_point_,
        .codec = *codec_,
        .codes = codes_,
    };
}

}  // namespace trackway::builder
