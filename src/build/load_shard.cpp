#include "build/load_shard.h"

#include "base/errors.h"
#include "base/resident_memory.h"
#include "beam/read_codec.h"
#include "build/covisits.h"
#include "build/plan.h"
#include "build/shard_layout.h"
#include "build/workload.h"
#include "layouts/file_names.h"
#include "layouts/shard_tables.h"
#include "layouts/vectors_file.h"
#include "layouts/verify_shard.h"

#include <algorithm>
#include <cstring>

namespace trackway::builder {
namespace {

using base::fail;
using base::join;
using layouts::ShardPart;

// What loading and laying out hold at once.
std::uint64_t bytes_needed(const layouts::ShardFile& shard, const layouts::Manifest& manifest) {
    const layouts::PageGeometry& geometry = shard.description.geometry;
    const std::uint64_t exact_bytes =
        manifest.is_encoded() ? manifest.dimension * element_size_bytes(manifest.element_type) : 0;
    const std::uint64_t vertex = geometry.vector_bytes + exact_bytes + geometry.max_degree * 4 + 4 +
                                 std::uint64_t{manifest.code_bytes} * 2 +
                                 lay_out_bytes(geometry.max_degree, geometry.vector_bytes);
    return shard.description.vertex_count * vertex + Workload::bytes_max(geometry.vector_bytes) +
           covisit_pair_bytes() + kFixedBytes;
}

// A hostile header may allow a degree that no page would hold once it is laid out anew.
Status check_degree(const layouts::ShardFile& shard) {
    const layouts::PageGeometry& geometry = shard.description.geometry;
    return layouts::check_page_size({geometry.vector_bytes, geometry.max_degree,
                                     shard.description.vertex_count, geometry.row_count},
                                    geometry.page_size_bytes);
}

Status check_room(const layouts::ShardFile& shard, const layouts::Manifest& manifest,
                  std::uint64_t budget) {
    const std::uint64_t room = budget != 0 ? budget : base::physical_memory_bytes() / 5 * 4;
    const std::uint64_t needed = bytes_needed(shard, manifest);
    if (needed <= room) return {};
    return fail(ErrorCode::kOutOfMemory,
                join("memory budget: laying out ", shard.file.path().string(), " needs ", needed,
                     " bytes, found ", room));
}

}  // namespace

Result<LoadedShard> LoadedShard::load(const std::filesystem::path& index_dir,
                                      const layouts::Manifest& manifest,
                                      std::uint64_t memory_budget_bytes) {
    const auto path = [&](ShardPart part) {
        return index_dir / layouts::shard_file_name(manifest.uuid, 0, part);
    };
    if (manifest.shards.size() != 1 || manifest.shards.front().vectors != manifest.vectors) {
        return fail(
            ErrorCode::kUnsupported,
            join(index_dir.string(), ": expected one shard, found ", manifest.shards.size()));
    }
    TRACKWAY_TRY_ASSIGN(file, layouts::ShardFile::open(path(ShardPart::kPages), manifest.uuid, 0));
    TRACKWAY_TRY(layouts::check_against_manifest(file, manifest));
    TRACKWAY_TRY(check_degree(file));
    TRACKWAY_TRY(check_room(file, manifest, memory_budget_bytes));
    const auto table = [&](ShardPart part) {
        return layouts::read_table(path(part), manifest.uuid,
                                   layouts::table_shape(part, manifest, file.description));
    };
    TRACKWAY_TRY_ASSIGN(codec,
                        beam::read_codec(path(ShardPart::kCodebook), manifest, file.description));
    TRACKWAY_TRY_ASSIGN(codes, table(ShardPart::kCodes));
    LoadedShard shard(std::move(codec));
    // All pages are sound, every row stands once, every edge leads to a vertex.
    TRACKWAY_TRY(layouts::verify_shard(file));
    const layouts::ShardDescription& description = file.description;
    const layouts::PageGeometry& geometry = description.geometry;
    const std::uint32_t count = description.vertex_count;
    shard.page_size_bytes_ = geometry.page_size_bytes;
    shard.metric_ = description.metric;
    shard.data_ = base::AlignedBuffer(std::size_t{count} * geometry.vector_bytes);
    shard.matrix_ = {shard.data_.data(), description.element_type, count, description.dimension};
    shard.adjacency_ = graph::Adjacency(count, geometry.max_degree);
    shard.codes_.resize(std::size_t{count} * manifest.code_bytes);
    shard.vertex_at_.assign(geometry.place_count(), kNoVertex);
    std::vector<std::uint32_t> neighbors(geometry.max_degree);
    const auto each_slot = [&](const auto& body) {
        return layouts::for_each_page(file, [&](PageId page, const layouts::PageView& view) {
            for (std::uint32_t slot = 0; slot < view.slot_count(); ++slot)
                body(static_cast<std::uint32_t>(geometry.place(page, slot)), view, slot);
            return Status();
        });
    };
    TRACKWAY_TRY(each_slot([&](std::uint32_t place, const layouts::PageView& view,
                               std::uint32_t slot) {
        const auto row = static_cast<std::uint64_t>(view.row(slot));
        shard.vertex_at_[place] = static_cast<std::uint32_t>(row);
        std::memcpy(shard.data_.data() + row * geometry.vector_bytes,
                    view.vectors() + std::size_t{slot} * geometry.vector_bytes,
                    geometry.vector_bytes);
        std::memcpy(shard.codes_.data() + row * manifest.code_bytes,
                    codes.data() + std::size_t{place} * manifest.code_bytes, manifest.code_bytes);
    }));
    TRACKWAY_TRY(
        each_slot([&](std::uint32_t place, const layouts::PageView& view, std::uint32_t slot) {
            view.neighbors(slot, neighbors.data());
            const auto places = std::span(neighbors).first(view.degree(slot));
            for (std::uint32_t& neighbor : places)
                neighbor = shard.vertex_at_[neighbor];
            shard.adjacency_.set(shard.vertex_at_[place], places);
            shard.adjacency_.sort(shard.vertex_at_[place]);
        }));
    if (manifest.is_encoded())
        TRACKWAY_TRY(shard.load_exact(path(ShardPart::kVectors), manifest, description));
    shard.entry_point_ = shard.vertex_at_[static_cast<std::uint32_t>(description.entry_point)];
    return shard;
}

Status LoadedShard::load_exact(const std::filesystem::path& path, const layouts::Manifest& manifest,
                               const layouts::ShardDescription& description) {
    TRACKWAY_TRY_ASSIGN(file, layouts::VectorsFile::open(path, manifest, description));
    const layouts::VectorsGeometry& geometry = file.geometry;
    exact_data_ = base::AlignedBuffer(matrix_.row_count * geometry.row_bytes);
    exact_ = {exact_data_.data(), manifest.element_type, matrix_.row_count, matrix_.dimension};
    return layouts::for_each_vectors_page(file, [&](PageId page, const std::byte* rows) {
        const std::size_t first =
            std::size_t{static_cast<std::uint32_t>(page)} * geometry.rows_per_page;
        for (std::uint32_t slot = 0; slot < geometry.slots_of(page); ++slot) {
            const std::uint32_t row = vertex_at_[first + slot];
            if (row == kNoVertex) continue;
            std::memcpy(exact_data_.data() + std::size_t{row} * geometry.row_bytes,
                        rows + std::size_t{slot} * geometry.row_bytes, geometry.row_bytes);
        }
    });
}

ShardGraph LoadedShard::graph() const noexcept {
    return {
        .vectors = matrix_,
        .given = exact_,
        .metric = metric_,
        .adjacency = adjacency_,
        .entry_point = entry_point_,
        .codec = *codec_,
        .codes = codes_,
    };
}

}  // namespace trackway::builder
