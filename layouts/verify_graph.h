// Reads all shards of a graph and checks that they are what their headers say.
#pragma once

#include "trackway/result.h"

#include "layouts/graph_files.h"

#include <cstdint>
#include <vector>

namespace trackway::layouts {

struct GraphContents {
    std::uint64_t vertices = 0;
    std::uint64_t edges = 0;
    std::uint64_t empty_places = 0;
    std::vector<std::uint16_t> slots = {};  // of each page

    // The place holds a vertex.
    bool holds(const PageGeometry& geometry, std::uint32_t place) const noexcept {
        return place < geometry.place_count() &&
               geometry.slot_of(LocalId{place}) <
                   slots[static_cast<std::uint32_t>(geometry.page_of(LocalId{place}))];
    }
};

// Every page's checksum and structure; every neighbour is a vertex that exists, once; every row
// stands once at most; the counts agree with the headers.
Result<GraphContents> verify_graph(const GraphFiles& graph);

}  // namespace trackway::layouts
