// Page orders: which vertices share pages, and in what sequence. One file each.
#pragma once

#include "trackway/types.h"

#include "base/arena.h"
#include "layouts/covisit_graph.h"
#include "layouts/page_packing.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace trackway::layouts {

// The vertices as orders see them.
class VertexRelations {
public:
    virtual ~VertexRelations() = default;
    virtual std::uint32_t vertex_count() const noexcept = 0;
    virtual std::span<const std::uint32_t> neighbors(std::uint32_t vertex) const noexcept = 0;
    // out[i] = how far ids[i] is from the vertex, as the graph measures it.
    virtual void distances(std::uint32_t vertex, std::span<const std::uint32_t> ids,
                           float* out) const = 0;
};

// Pages per query of queries that no order has seen, given the page of each vertex. Empty: unknown.
using PageJudge = std::function<double(std::span<const std::uint32_t> page_of)>;

struct PageOrderInput {
    const VertexRelations& vertices;
    std::span<const std::uint32_t> degrees;
    std::uint32_t entry_point = 0;
    const CovisitGraph& covisits;  // may be empty()
    const PageJudge& judge;
};

// The same input gives the same pages for any number of threads. Unfinished when arena.stopped().
PageGroups make_page_groups(PageOrder order, const PageOrderInput& input,
                            const PageGeometry& geometry, const base::Arena& arena);

// As the vectors stand in the dataset: the control that other orders are measured against.
std::vector<std::uint32_t> insertion_order(std::uint32_t vertex_count);

// Breadth-first over the graph from the entry point.
std::vector<std::uint32_t> breadth_first_order(const VertexRelations& vertices,
                                               std::uint32_t entry_point);

// Breadth-first over the co-visitation graph, heaviest edges first, from the strongest vertices in
// turn. Vertices that no query visited follow, breadth-first over the graph.
std::vector<std::uint32_t> covisit_order(const PageOrderInput& input);

// Each page filled greedily with the vertex of greatest affinity to it, then refined by swaps.
PageGroups affinity_groups(const PageOrderInput& input, const PageGeometry& geometry,
                           const base::Arena& arena);

}  // namespace trackway::layouts
