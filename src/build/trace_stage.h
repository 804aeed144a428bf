// Runs searches before there are pages, to see what queries visit.
#pragma once

#include "base/arena.h"
#include "build/built_graph.h"
#include "build/covisits.h"
#include "build/navigation_stage.h"
#include "build/page_maker.h"
#include "build/trial_search.h"
#include "build/workload.h"
#include "layouts/page_packing.h"
#include "layouts/shard_file.h"

#include <cstdint>
#include <vector>

namespace trackway::builder {

// The graph with every vertex on a page of its own, so that nothing depends on a layout and places
// are vertices.
class AloneOnPages {
public:
    // The graph must outlive it.
    explicit AloneOnPages(const BuiltGraph& graph);
    AloneOnPages(const AloneOnPages&) = delete;
    AloneOnPages& operator=(const AloneOnPages&) = delete;
    AloneOnPages(AloneOnPages&&) = delete;
    AloneOnPages& operator=(AloneOnPages&&) = delete;
    ~AloneOnPages() = default;

    // Begins at the entry point.
    beam::GraphView view() const;
    PageFetch fetch(std::uint32_t threads) const;

private:
    const BuiltGraph& graph_;
    layouts::PagePacking packing_;
    layouts::GraphDescription description_;
    PageMaker pages_;
};

// Visits of the training and of the judging half.
struct Trace {
    std::vector<Visits> training;
    std::vector<Visits> judging;
};

// Searches for every query as `search-index` would, one vertex to a page, so that nothing depends
// on the layout. Unfinished when arena.stopped().
Trace trace_workload(const BuiltGraph& graph, const NavigationRows& navigation,
                     const Workload& workload, const base::Arena& arena);

}  // namespace trackway::builder
