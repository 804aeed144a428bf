// The last step of a merge: what lies near but was built in other shards.
#pragma once

#include "trackway/result.h"

#include "base/arena.h"
#include "build/graph_stage.h"
#include "graph/point_set.h"

#include <filesystem>

namespace trackway::builder {

// Every vertex chooses again among its neighbours and those of the nearest of them (robust prune).
// from: lists of all vertices as graph::Adjacency has them in rows; to: the file that gets the new
// ones. Rows are copied from files, so that memory holds the lists of one shard and what is kept of
// rows that were read. kCancelled when arena.stopped().
Status widen_edges(const GraphTask& task, const graph::PointSet& points,
                   const std::filesystem::path& from, const std::filesystem::path& to,
                   const base::Arena& arena);

}  // namespace trackway::builder
