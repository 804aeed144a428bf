#include "layouts/page_order.h"

#include "base/assert.h"

namespace trackway::layouts {

std::vector<std::uint32_t> make_page_order(PageOrder order, const NeighborLists& graph,
                                           std::uint32_t entry_point) {
    switch (order) {
        case PageOrder::kInsertion:
            return insertion_order(graph.vertex_count());
        case PageOrder::kBreadthFirst:
            return breadth_first_order(graph, entry_point);
    }
    TRACKWAY_ASSERT(false);
    return {};
}

}  // namespace trackway::layouts
