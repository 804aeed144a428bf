#include "layouts/page_order.h"

namespace trackway::layouts {

// Vertices in the order in which a breadth-first walk from the entry point meets them: neighbours
// of one vertex follow one another. What the walk does not reach follows, each with its own walk.
std::vector<std::uint32_t> breadth_first_order(const VertexRelations& vertices,
                                               std::uint32_t entry_point) {
    const std::uint32_t count = vertices.vertex_count();
    std::vector<std::uint32_t> order;
    order.reserve(count);
    std::vector<bool> met(count, false);
    const auto walk_from = [&](std::uint32_t root) {
        if (met[root]) return;
        met[root] = true;
        order.push_back(root);
        for (std::size_t next = order.size() - 1; next < order.size(); ++next) {
            for (const std::uint32_t neighbor : vertices.neighbors(order[next])) {
                if (met[neighbor]) continue;
                met[neighbor] = true;
                order.push_back(neighbor);
            }
        }
    };
    walk_from(entry_point);
    for (std::uint32_t vertex = 0; vertex < count; ++vertex)
        walk_from(vertex);
    return order;
}

}  // namespace trackway::layouts
