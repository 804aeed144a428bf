// Cuts an order of vertices into pages: how many go on each, and so the number of every vertex.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "layouts/page.h"

#include <cstdint>
#include <span>
#include <vector>

namespace trackway::layouts {

struct PagePacking {
    PageGeometry geometry;             // complete but for the seed
    std::vector<std::uint32_t> first;  // of each page, as an index into the order; and the end
    std::vector<LocalId> place;        // of each vertex
};

// What decides how large records can become.
struct RecordShape {
    std::uint32_t vector_bytes = 0;
    std::uint32_t max_degree = 0;
    std::uint32_t vertex_count = 0;
    std::uint64_t row_count = 0;
};

struct PackingInput {
    RecordShape shape;
    std::span<const std::uint32_t> order;    // a permutation of the vertices
    std::span<const std::uint32_t> degrees;  // of each vertex
};

// The page size asked for, or for 0 the smallest that holds a vertex of full degree.
// kInvalidArgument when such a vertex does not fit.
Result<std::uint32_t> choose_page_size(const RecordShape& shape, std::uint32_t asked_bytes);

// Fills pages in order, each as far as records and vertices_per_page allow; that number balances
// the count of pages against numbers without a vertex. Ids take as few bits as the places
// need. REQUIRES: page_size_bytes from choose_page_size().
PagePacking pack_pages(const PackingInput& input, std::uint32_t page_size_bytes);

}  // namespace trackway::layouts
