#include "build/page_maker.h"

#include "base/assert.h"

#include <algorithm>

namespace trackway::builder {

void PageMaker::make(PageId page, std::span<std::byte> bytes, Scratch& scratch) const {
    const auto vertices = packing_.groups.page(static_cast<std::uint32_t>(page));
    scratch.places.clear();
    scratch.places.reserve(vertices.size() * packing_.geometry.max_degree);  // spans stay valid
    scratch.records.clear();
    for (const std::uint32_t vertex : vertices) {
        const std::size_t first = scratch.places.size();
        for (const std::uint32_t neighbor : adjacency_.neighbors(vertex))
            scratch.places.push_back(static_cast<std::uint32_t>(packing_.place[neighbor]));
        const auto places = std::span(scratch.places).subspan(first);
        std::sort(places.begin(), places.end());
        scratch.records.push_back({VectorId{vertex}, vectors_.row(vertex), places});
    }
    layouts::encode_page(packing_.geometry, page, scratch.records, bytes);
}

void PageMaker::search(beam::BeamSearch& search, const std::byte* query,
                       const beam::BeamParams& params, Scratch& scratch,
                       std::vector<std::uint32_t>* visits) const {
    const std::size_t page_size = packing_.geometry.page_size_bytes;
    // Pages that were made a moment ago cannot be damaged.
    Status status = search.start(query, params, visits);
    TRACKWAY_ASSERT(status.has_value());
    std::vector<PageId> wanted;
    while (!search.done()) {
        wanted.assign(search.wanted().begin(), search.wanted().end());
        scratch.page.resize(wanted.size() * page_size);
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            const auto bytes = std::span(scratch.page).subspan(i * page_size, page_size);
            make(wanted[i], bytes, scratch);
            status = search.absorb(wanted[i], bytes);
            TRACKWAY_ASSERT(status.has_value());
        }
    }
}

}  // namespace trackway::builder
