// What settings serve queries best, measured on the final pages with queries that were held out.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "base/arena.h"
#include "build/judging_queries.h"
#include "build/trace_stage.h"
#include "layouts/graph_files.h"
#include "layouts/manifest.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace trackway::builder {

// The graph as it is laid out.
struct LaidOutGraph {
    const BuiltGraph& graph;
    const layouts::GraphDescription& description;
    std::span<const LocalId> place_of;    // of each vertex
    std::span<const std::uint8_t> codes;  // row p is the code of the vertex at place p
    std::span<const std::uint32_t> navigation;
    std::span<const std::uint32_t> hot;
    const layouts::GraphFiles& pages;               // as they were written
    std::uint64_t edge_bytes = 0;                   // of all edges, where they are resident
    std::uint64_t resident_bytes_max = UINT64_MAX;  // of edges and hot records that are tried
    bool accept_lossy = false;                      // LayoutOptions
};

struct Calibration {
    std::uint32_t expand_share_permille = 0;
    // Where judging queries find 95 % of their true nearest, with the list alone.
    double pages_per_query = 0;
    double estimates_per_query = 0;
    // As in the manifest.
    float estimate_error = 0;
    std::uint32_t rerank_factor = 0;
    layouts::RecallCurve curve = {};
    layouts::RecallCurve curve_with_edges = {};
    // Where vectors are encoded: the recall of a thorough search by codes alone.
    std::optional<double> recall_without_rerank = {};
    std::string left_out = {};  // what would have taken too long to try
};

// First the share of page-mates to expand at once with which reads and estimates together cost
// least, at 95 % and at 99 %. Then what margins find (BeamParams::stop_margin) and hot vertices
// save, without and with all edges resident.
// kInvalidArgument where vectors are encoded and less than 90 % is found with them.
Result<Calibration> calibrate(const LaidOutGraph& laid_out, const JudgingQueries& judging,
                              const base::Arena& arena);

}  // namespace trackway::builder
