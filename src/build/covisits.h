// From what queries visited to the co-visitation graph, the judge of page orders, and the order in
// which vertices are worth keeping in memory.
#pragma once

#include "trackway/types.h"

#include "layouts/covisit_graph.h"
#include "layouts/page_order.h"
#include "layouts/page_packing.h"

#include <cstdint>
#include <span>
#include <vector>

namespace trackway::builder {

// What one query did: the vertices that it chose to expand, in order, and those of them, sorted,
// that ended among its nearest or in its search list.
struct Visits {
    std::vector<std::uint32_t> expanded;
    std::vector<std::uint32_t> useful;
};

// Vertices that one query expanded within three steps of one another are joined; the weight falls
// with the distance and is half where not both were useful. A vertex keeps its heaviest edges.
layouts::CovisitGraph join_covisits(std::span<const Visits> queries, std::uint32_t vertex_count);

// Mean number of different pages that a query's expanded vertices lie on.
double pages_per_query(std::span<const Visits> queries, std::span<const std::uint32_t> page_of);

// Places of the vertices whose residence saves page reads, in the order of reads saved for each. A
// query is spared a read when all that it expands on the page is resident, so vertices of one page
// come together where they are visited together. At most a quarter of the vertices.
std::vector<std::uint32_t> hot_places(std::span<const Visits> queries,
                                      const layouts::PagePacking& packing);

// Bytes that join_covisits() works with, whatever the number of vertices, for planning.
std::uint64_t covisit_pair_bytes() noexcept;

}  // namespace trackway::builder
