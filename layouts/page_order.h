// Page orders: in what sequence vertices fill the pages. One file each.
#pragma once

#include "trackway/types.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::layouts {

// The graph as orders see it.
class NeighborLists {
public:
    virtual ~NeighborLists() = default;
    virtual std::uint32_t vertex_count() const noexcept = 0;
    virtual std::span<const std::uint32_t> neighbors(std::uint32_t vertex) const noexcept = 0;
};

// A permutation of the vertices. The same graph gives the same order.
std::vector<std::uint32_t> make_page_order(PageOrder order, const NeighborLists& graph,
                                           std::uint32_t entry_point);

// As the vectors stand in the dataset: the control that other orders are measured against.
std::vector<std::uint32_t> insertion_order(std::uint32_t vertex_count);

// Breadth-first over the graph from the entry point.
std::vector<std::uint32_t> breadth_first_order(const NeighborLists& graph,
                                               std::uint32_t entry_point);

}  // namespace trackway::layouts
