// Runs searches while an index is built: to see what queries visit, and what settings serve them.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "base/arena.h"
#include "beam/beam_search.h"
#include "build/covisits.h"
#include "build/navigation_stage.h"
#include "build/workload.h"
#include "graph/adjacency.h"
#include "io/file.h"
#include "layouts/page_packing.h"
#include "layouts/shard_file.h"
#include "quant/product_quantizer.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace trackway::builder {

// A shard whose graph and codes are made, before it is laid out; views only. Vertices are numbered
// by dataset row.
struct ShardGraph {
    MatrixView vectors;  // as they are searched
    MatrixView given;    // where those are codes: what they stand for; otherwise empty
    Metric metric = Metric::kL2;
    const graph::Adjacency& adjacency;
    std::uint32_t entry_point = 0;
    const quant::ProductQuantizer& quantizer;
    std::span<const std::uint8_t> codes;  // row v is the code of vertex v
    std::uint64_t row_count = 0;
};

// Visits of the training and of the judging half.
struct Trace {
    std::vector<Visits> training;
    std::vector<Visits> judging;
};

// Searches for every query as `search-index` would, one vertex to a page, so that nothing depends
// on the layout. Unfinished when arena.stopped().
Trace trace_workload(const ShardGraph& shard, const NavigationRows& navigation,
                     const Workload& workload, const base::Arena& arena);

// The shard as it is laid out.
struct LaidOutShard {
    const ShardGraph& graph;
    const layouts::ShardDescription& description;
    const layouts::PagePacking& packing;
    std::span<const std::uint8_t> codes;  // row p is the code of the vertex at place p
    std::span<const std::uint32_t> navigation;
    const io::File& pages;  // as they were written
};

// What judging queries cost where they find 95 % of what a thorough search finds.
struct Calibration {
    std::uint32_t expand_share_permille = 0;
    double pages_per_query = 0;
    double estimates_per_query = 0;
    // Where vectors are encoded: of the 10 nearest by exact distance among what a thorough search
    // finds, the share that codes put first as well.
    std::optional<double> recall_without_rerank = {};
};

// The share of page-mates to expand at once with which reads and estimates together cost least, at
// 95 % and at 99 % of what a thorough search finds. Figures are those at 95 %.
Result<Calibration> calibrate(const LaidOutShard& shard, const Workload& workload,
                              const base::Arena& arena);

}  // namespace trackway::builder
