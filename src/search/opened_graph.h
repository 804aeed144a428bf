// The graph of an index, open for searching: its page files and the tables that stay in memory.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "base/aligned_buffer.h"
#include "beam/graph_view.h"
#include "beam/hot_records.h"
#include "beam/resident_edges.h"
#include "layouts/graph_files.h"
#include "layouts/manifest.h"
#include "layouts/vectors_file.h"
#include "quant/codec.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

namespace trackway::search {

// Immutable once load_residence() is done; shared by all threads.
struct OpenedGraph {
    layouts::GraphFiles files;
    std::uint64_t bytes_on_disk = 0;
    base::AlignedBuffer code_bytes;
    std::unique_ptr<quant::Codec> codec;
    float estimate_error = 0;
    float expand_share = 0;  // calibrated
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

    const layouts::PageGeometry& geometry() const noexcept { return files.geometry(); }
    std::span<const std::uint32_t> hot_order() const noexcept;
    // The one that holds with what is resident.
    const layouts::RecallCurve& curve_in_use() const noexcept {
        return edges ? curve_with_edges : curve;
    }
    // What the tables take that every search needs.
    std::uint64_t table_bytes() const noexcept;
    // The graph must outlive it.
    beam::GraphView view() const noexcept;

    // Verifies the headers, all tables, and that they are what the manifest says.
    static Result<OpenedGraph> open(const std::filesystem::path& index_dir,
                                    const layouts::Manifest& manifest);
};

// Of manifest, pages and tables; exact vectors come on top.
std::uint64_t bytes_of_files(const layouts::Manifest& manifest, const layouts::GraphFiles& files);

}  // namespace trackway::search
