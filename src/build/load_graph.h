// Reads a finished graph back into memory, to lay it out anew.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "base/aligned_buffer.h"
#include "build/built_graph.h"
#include "graph/adjacency.h"
#include "layouts/graph_files.h"
#include "layouts/manifest.h"
#include "quant/codec.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace trackway::builder {

class LoadedGraph {
public:
    static constexpr std::uint32_t kNoVertex = UINT32_MAX;

    // Verifies all that it reads. kOutOfMemory when vectors and edges exceed the budget (0: 80 % of
    // RAM).
    static Result<LoadedGraph> load(const std::filesystem::path& index_dir,
                                    const layouts::Manifest& manifest,
                                    std::uint64_t memory_budget_bytes);

    // Views; the graph must outlive them.
    BuiltGraph graph() const noexcept;
    // The vectors as the dataset had them, by vertex.
    const MatrixView& given() const noexcept { return exact_.data != nullptr ? exact_ : matrix_; }

    std::uint32_t page_size_bytes() const noexcept { return page_size_bytes_; }
    std::uint64_t place_count() const noexcept { return vertex_at_.size(); }
    VertexNumbers numbers() const noexcept { return {starts_, rows_, row_count_}; }
    // kNoVertex for an empty place.
    std::uint32_t vertex_at(std::uint32_t place) const noexcept { return vertex_at_[place]; }

private:
    void number_vertices(const layouts::GraphFiles& files, std::span<const std::uint32_t> row_at);
    Status load_exact(const std::filesystem::path& path, const layouts::Manifest& manifest,
                      const layouts::GraphDescription& description);
    explicit LoadedGraph(std::unique_ptr<quant::Codec> codec) : codec_(std::move(codec)) {}

    base::AlignedBuffer data_;
    MatrixView matrix_;
    base::AlignedBuffer exact_data_;
    MatrixView exact_;  // where matrix_ holds codes
    Metric metric_ = Metric::kL2;
    graph::Adjacency adjacency_;
    std::uint32_t entry_point_ = 0;
    std::unique_ptr<quant::Codec> codec_;
    std::vector<std::uint8_t> codes_;
    std::vector<std::uint32_t> vertex_at_;
    std::vector<std::uint32_t> starts_ = {0};
    std::vector<std::uint32_t> rows_;  // of each vertex
    std::uint64_t row_count_ = 0;
    std::uint32_t page_size_bytes_ = 0;
};

}  // namespace trackway::builder
