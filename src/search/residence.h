// What of an index stays in memory beside its tables: decided and read when it is opened.
#pragma once

#include "trackway/options.h"
#include "trackway/result.h"

#include "search/opened_graph.h"

#include <cstdint>
#include <string>
#include <vector>

namespace trackway::search {

struct ResidencePlan {
    std::uint32_t hot_vertices = 0;  // of the builder's order
    bool edges = false;              // of all vertices
    // Pages of which every record is resident, in rising order: all, or what a budget that holds
    // every hot vertex has room for besides.
    std::vector<PageId> whole_pages = {};
    // The hot vertices by the most that the builder tried: how far recall has moved from
    // CalibratedMargin::recall to recall_with_hot.
    float hot_share = 0;
    // Pages that a query reads at a recall of 95 %, as the builder measured it: with the tables
    // alone, with the edges if they are resident, with all that is. 0 where nothing was measured.
    float pages_with_tables = 0;
    float pages_with_edges = 0;
    float pages_with_all = 0;
};

// The number of hot vertices that the options ask for; or else what spares most reads of what fits
// the memory budget: the whole graph; or hot vertices, or the edges of all vertices and hot ones in
// what they leave, and page-mates of hot ones in the rest.
// kOutOfMemory when the budget does not even hold the tables.
Result<ResidencePlan> plan_residence(const OpenedGraph& graph, const OpenOptions& options);

// Pages that could not be read or are damaged: nothing of them is resident.
struct LeftOut {
    std::uint64_t pages = 0;
    std::string first;  // what was wrong with the first
};

// Reads what the plan says, many pages at a time, and keeps it in the graph.
Result<LeftOut> load_residence(OpenedGraph& graph, const ResidencePlan& plan, IoEngine engine);

}  // namespace trackway::search
