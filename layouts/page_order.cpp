#include "layouts/page_order.h"

#include "base/assert.h"

namespace trackway::layouts {

PageGroups make_page_groups(PageOrder order, const PageOrderInput& input,
                            const PageGeometry& geometry, const base::Arena& arena) {
    const auto cut = [&](std::vector<std::uint32_t> sequence) {
        return cut_pages(std::move(sequence), input.degrees, geometry);
    };
    switch (order) {
        case PageOrder::kInsertion:
            return cut(insertion_order(input.vertices.vertex_count()));
        case PageOrder::kBreadthFirst:
            return cut(breadth_first_order(input.vertices, input.entry_point));
        case PageOrder::kCovisit:
            return cut(covisit_order(input));
        case PageOrder::kAffinity:
            return affinity_groups(input, geometry, arena);
    }
    TRACKWAY_ASSERT(false);
    return {};
}

}  // namespace trackway::layouts
