// One shard, open for searching: its page file and the tables that stay in memory.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "base/aligned_buffer.h"
#include "beam/hot_records.h"
#include "beam/resident_edges.h"
#include "beam/shard_view.h"
#include "layouts/manifest.h"
#include "layouts/shard_file.h"
#include "layouts/vectors_file.h"
#include "quant/codec.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

namespace trackway::search {

// Immutable once load_residence() is done; shared by all threads.
struct OpenedShard {
    layouts::ShardFile file;
    base::AlignedBuffer code_bytes;
    std::unique_ptr<quant::Codec> codec;
    float estimate_error = 0;
    // What the builder measured, in both residences.
    layouts::RecallCurve curve = {};
    layouts::RecallCurve curve_with_edges = {};
    base::AlignedBuffer navigation_rows;  // empty in format 1.0
    std::uint32_t navigation_degree = 0;
    base::AlignedBuffer hot_places;  // those whose residence saves most reads first
    std::unique_ptr<beam::HotRecords> hot = nullptr;
    std::unique_ptr<beam::ResidentEdges> edges = nullptr;
    // Exact vectors, where the pages hold codes of them; and what they are.
    std::optional<layouts::VectorsFile> exact = {};
    ElementType given = ElementType::kFloat32;

    const layouts::PageGeometry& geometry() const noexcept { return file.description.geometry; }
    std::span<const std::uint32_t> hot_order() const noexcept;
    // The one that holds with what is resident.
    const layouts::RecallCurve& curve_in_use() const noexcept {
        return edges ? curve_with_edges : curve;
    }
    // What the tables take that every search needs.
    std::uint64_t table_bytes() const noexcept;
    // The shard must outlive it.
    beam::ShardView view() const noexcept;

    // Verifies the headers, all tables, and that they are what the manifest says.
    static Result<OpenedShard> open(const std::filesystem::path& index_dir,
                                    const layouts::Manifest& manifest, std::uint32_t shard_id);
};

}  // namespace trackway::search
