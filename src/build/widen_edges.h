// The last step of a merge: what lies near but was built in other shards.
#pragma once

#include "trackway/result.h"

#include "base/arena.h"
#include "build/edge_chooser.h"
#include "build/graph_stage.h"
#include "graph/point_set.h"

#include <cstdint>
#include <filesystem>
#include <span>

namespace trackway::builder {

struct WidenTask {
    const GraphTask& graph;
    const graph::PointSet& points;
    std::span<EdgeChooser> choosers;  // of each thread
    std::uint64_t list_cache_bytes;   // of each thread
    std::filesystem::path from, to;   // lists of all vertices as graph::Adjacency has them in rows
};

// Every vertex chooses again among its neighbours and those of the nearest of them. Lists are
// copied from the file, so that memory holds the new ones of one shard and what is kept of those
// that were read. kCancelled when arena.stopped().
Status widen_edges(const WidenTask& task, const base::Arena& arena);

}  // namespace trackway::builder
