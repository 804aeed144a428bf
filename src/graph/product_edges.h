// Edges for maximum inner product: beside the edges by distance, each vertex gets edges to rows
// whose product with it is large (Morozov and Babenko 2018, "Non-metric similarity graphs for
// maximum inner product search", with the edges by distance that Liu et al. 2020 add).
#pragma once

#include "base/arena.h"
#include "graph/adjacency.h"
#include "graph/point_set.h"

#include <cstdint>

namespace trackway::graph {

struct ProductEdgeOptions {
    std::uint32_t edges = 16;      // of each vertex, at most half of its places
    std::uint32_t list_size = 64;  // of the searches that find them
    bool operator==(const ProductEdgeOptions&) const = default;
};

// Whether rows are so unequal in length that the longest are answers of many queries but near to
// nothing: only then edges by distance alone do not lead there. Never for other metrics.
bool needs_product_edges(const PointSet& points, const base::Arena& arena);

// Takes places of the farthest neighbours where a list is full, so that some vertices may be out
// of reach afterwards (reachability.h). The same for any number of threads. Unfinished when
// arena.stopped(). REQUIRES: points.is_lifted().
void add_product_edges(const PointSet& points, const ProductEdgeOptions& options,
                       const base::Arena& arena, Adjacency& graph);

// Bytes that this holds at once, for planning.
std::uint64_t product_edge_bytes(std::uint64_t points, const ProductEdgeOptions& options) noexcept;

}  // namespace trackway::graph
