// Runs searches before there are pages, to see what queries visit.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "base/arena.h"
#include "beam/beam_search.h"
#include "build/covisits.h"
#include "build/navigation_stage.h"
#include "build/page_maker.h"
#include "build/trial_search.h"
#include "build/workload.h"
#include "graph/adjacency.h"
#include "layouts/page_packing.h"
#include "layouts/shard_file.h"
#include "quant/codec.h"

#include <cstdint>
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
    const quant::Codec& codec;
    std::span<const std::uint8_t> codes;  // row v is the code of vertex v
};

// The shard with every vertex on a page of its own, so that nothing depends on a layout and places
// are vertices.
class AloneOnPages {
public:
    // The graph must outlive it.
    explicit AloneOnPages(const ShardGraph& shard);
    AloneOnPages(const AloneOnPages&) = delete;
    AloneOnPages& operator=(const AloneOnPages&) = delete;
    AloneOnPages(AloneOnPages&&) = delete;
    AloneOnPages& operator=(AloneOnPages&&) = delete;
    ~AloneOnPages() = default;

    // Begins at the entry point.
    beam::ShardView view() const;
    PageFetch fetch(std::uint32_t threads) const;

private:
    const ShardGraph& shard_;
    layouts::PagePacking packing_;
    layouts::ShardDescription description_;
    PageMaker pages_;
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

}  // namespace trackway::builder
