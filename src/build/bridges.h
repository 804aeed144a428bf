// Edges that a graph would have, had it been built without some of its vertices.
#pragma once

#include "trackway/types.h"

#include "base/arena.h"
#include "build/judging_queries.h"
#include "graph/adjacency.h"

namespace trackway::builder {

// With more copies than these a row is no like of other queries, whatever is done.
constexpr std::size_t kCopiesBridged = 64;

struct BridgeTask {
    MatrixView vectors;  // of each vertex, as they are searched
    Metric metric = Metric::kL2;
    const graph::Adjacency& adjacency;
    float alpha = 1.2F;  // of the robust prune that chose the edges
};

// Fills in JudgingQueries::bridges. A vertex with edges to some that are left out gets at most as
// many others, of those that they lead to: of the three nearest the ones that none of its
// neighbours occludes, as when a vertex is deleted (Singh et al. 2021, "FreshDiskANN", algorithm
// 4). Queries with more than kCopiesBridged copies get none. Unfinished when arena.stopped().
void find_bridges(const BridgeTask& task, const base::Arena& arena, JudgingQueries& judging);

}  // namespace trackway::builder
