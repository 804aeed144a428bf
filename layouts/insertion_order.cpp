#include "layouts/page_order.h"

#include <numeric>

namespace trackway::layouts {

std::vector<std::uint32_t> insertion_order(std::uint32_t vertex_count) {
    std::vector<std::uint32_t> order(vertex_count);
    std::iota(order.begin(), order.end(), 0U);
    return order;
}

}  // namespace trackway::layouts
