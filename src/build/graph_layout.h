// The stages between a graph and its files, shared by building and reordering: navigation, trace,
// page size, pages, calibration.
#pragma once

#include "trackway/builder.h"
#include "trackway/options.h"
#include "trackway/result.h"

#include "base/arena.h"
#include "build/calibrate_stage.h"
#include "build/covisits.h"
#include "build/navigation_stage.h"
#include "build/trace_stage.h"
#include "build/workload.h"
#include "layouts/covisit_graph.h"
#include "layouts/graph_files.h"
#include "layouts/graph_tables.h"
#include "layouts/page_packing.h"
#include "layouts/shard_file.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace trackway::builder {

struct LayoutChoices {
    PageOrder page_order = PageOrder::kAffinity;
    std::uint32_t page_size_bytes = 0;  // 0: chosen by choose_page_size()
    std::uint64_t seed = 1;
    // Calibration keeps no more than this resident.
    std::uint64_t calibration_bytes = UINT64_MAX;
    bool accept_lossy = false;  // LayoutOptions
};

// Bytes for each vertex that laying out holds beside vectors, edges and codes, for planning.
constexpr std::uint64_t kLayoutBytesEach = 72;
// For each vertex of the shard whose pages are ordered; copies: of its edges within the shard.
constexpr std::uint64_t order_bytes_each(std::uint32_t max_degree, bool copies) noexcept {
    return std::uint64_t{max_degree} * (copies ? 8 : 4) + 240;
}
// Calibration keeps the edges and the records of a quarter of the vertices.
constexpr std::uint64_t calibration_bytes_each(std::uint32_t max_degree,
                                               std::uint32_t vector_bytes) noexcept {
    return std::uint64_t{max_degree} * 2 + (vector_bytes + max_degree * 2) / 4;
}

// What one read costs: of a page of 4096, 8192 and 16384 bytes, in units of the first.
using PageCosts = std::array<double, 3>;
// The reference disk: 130,000, 115,000 and 55,000 random reads a second.
constexpr PageCosts kUsualPageCosts = {1, 1.13, 2.36};

// Which vertices share pages, and what that was worth to the queries that judged it.
struct OrderedPages {
    layouts::PageShape shape;
    layouts::PageGroups groups;
    double traced_before = 0;
    double traced_after = 0;
};

class GraphLayout {
public:
    // The graph must outlive it.
    GraphLayout(const BuiltGraph& graph, const LayoutChoices& choices, const base::Arena& arena);

    // Stages, in this order. Each is unfinished when arena.stopped().
    Trace trace(const Workload& workload) const;
    // Of trace(), or visits of real queries.
    void use_trace(Trace trace);
    // costs: where no page size is given, what pages cost.
    OrderedPages order_pages(const std::optional<PageCosts>& costs);
    // Of order_pages(); numbers the vertices.
    void use_pages(OrderedPages pages, const layouts::Uuid& uuid);
    // On the pages as they were written.
    Status calibrate_with(const JudgingQueries& judging, const layouts::GraphFiles& pages);
    // Of other pages, where there are no queries to measure with these.
    void keep_calibration(Calibration calibration);

    const layouts::PagePacking& packing() const noexcept { return packing_; }
    const layouts::GraphDescription& description() const noexcept { return description_; }
    // Of each shard's file.
    std::span<const layouts::ShardExtent> extents() const noexcept { return extents_; }
    const Calibration& calibration() const noexcept { return calibration_; }
    // Tables by place.
    std::span<const std::uint8_t> codes() const noexcept { return codes_; }
    std::span<const std::uint32_t> navigation() const noexcept { return navigation_places_; }
    std::span<const std::uint32_t> hot() const noexcept { return hot_; }
    std::vector<layouts::CovisitRow> covisit_rows() const;
    void report(LayoutReport& report) const;

private:
    layouts::RecordShape shape() const;
    layouts::PagePacking pack(PageOrder order, std::uint32_t page_size_bytes, bool judged) const;
    std::uint32_t choose_page_size(const PageCosts& costs) const;
    void find_extents();
    std::uint64_t edge_bytes() const;

    const BuiltGraph& graph_;
    LayoutChoices choices_;
    const base::Arena& arena_;
    std::vector<std::uint32_t> degrees_;
    NavigationRows navigation_rows_;
    Trace trace_;
    layouts::CovisitGraph covisits_;
    layouts::PagePacking packing_;
    layouts::GraphDescription description_;
    std::vector<layouts::ShardExtent> extents_;
    Calibration calibration_;
    double pages_before_ = 0;
    double pages_after_ = 0;
    std::vector<std::uint8_t> codes_;
    std::vector<std::uint32_t> navigation_places_;
    std::vector<std::uint32_t> hot_;
};

}  // namespace trackway::builder
