// Makes every vertex reachable from the entry point.
#pragma once

#include "graph/adjacency.h"
#include "graph/point_set.h"

#include <cstdint>

namespace trackway::graph {

// Gives each vertex that no path leads to one edge from a near vertex that has room, or in place
// of an edge that reachability does not rest on. Such vertices are rare (duplicates mostly), so
// this runs on one thread. Degrees stay within the lists' capacity.
// Returns how many edges it added.
std::uint32_t connect_all(const PointSet& points, std::uint32_t entry_point,
                          std::uint32_t list_size, Adjacency& graph);

}  // namespace trackway::graph
