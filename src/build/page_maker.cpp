#include "build/page_maker.h"

#include <algorithm>

namespace trackway::builder {

void PageMaker::make(PageId page, std::span<std::byte> bytes, Scratch& scratch) const {
    const auto vertices = packing_.groups.page(static_cast<std::uint32_t>(page));
    scratch.places.clear();
    scratch.places.reserve(vertices.size() * packing_.geometry.max_degree);  // spans stay valid
    scratch.records.clear();
    for (const std::uint32_t vertex : vertices) {
        const std::size_t first = scratch.places.size();
        for (const std::uint32_t neighbor : graph_.adjacency.neighbors(vertex))
            scratch.places.push_back(static_cast<std::uint32_t>(packing_.place[neighbor]));
        const auto places = std::span(scratch.places).subspan(first);
        std::sort(places.begin(), places.end());
        scratch.records.push_back(
            {VectorId{graph_.numbers.row(vertex)}, graph_.vectors.row(vertex), places});
    }
    layouts::encode_page(packing_.geometry, page, scratch.records, bytes);
}

}  // namespace trackway::builder
