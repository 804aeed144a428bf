#include "layouts/page_order.h"

#include <algorithm>
#include <numeric>

namespace trackway::layouts {

std::vector<std::uint32_t> covisit_order(const PageOrderInput& input) {
    const std::uint32_t count = input.vertices.vertex_count();
    if (input.covisits.empty()) return breadth_first_order(input.vertices, input.entry_point);
    const std::vector<float>& strength = input.covisits.strength;
    std::vector<std::uint32_t> roots = insertion_order(count);
    std::stable_sort(roots.begin(), roots.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return strength[a] > strength[b]; });
    std::vector<std::uint32_t> order;
    order.reserve(count);
    std::vector<bool> met(count, false);
    const auto meet = [&](std::uint32_t vertex) {
        if (met[vertex]) return;
        met[vertex] = true;
        order.push_back(vertex);
    };
    for (const std::uint32_t root : roots) {
        if (strength[root] <= 0) break;
        std::size_t next = order.size();
        for (meet(root); next < order.size(); ++next) {
            for (const Covisit& edge : input.covisits.of(order[next]))
                meet(edge.vertex);
        }
    }
    for (const std::uint32_t vertex : breadth_first_order(input.vertices, input.entry_point))
        meet(vertex);
    return order;
}

}  // namespace trackway::layouts
