#include "layouts/page_packing.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/errors.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>

namespace trackway::layouts {
namespace {

PageGeometry geometry_for(const RecordShape& shape, std::uint32_t page_size_bytes,
                          std::uint32_t neighbor_bits) {
    return {.page_size_bytes = page_size_bytes,
            .vector_bytes = shape.vector_bytes,
            .max_degree = shape.max_degree,
            .neighbor_bits = neighbor_bits,
            .row_bits = base::bit_width_of(shape.row_count - 1),
            .row_count = shape.row_count};
}

bool holds_full_vertex(const RecordShape& shape, std::uint32_t page_size_bytes) {
    // One bit more than the vertices need: places may outnumber them up to twice.
    const std::uint32_t bits = base::bit_width_of(shape.vertex_count - std::uint64_t{1}) + 1;
    return fits(geometry_for(shape, page_size_bytes, bits), 1, shape.max_degree);
}

struct Cut {
    std::vector<std::uint32_t> first;
    std::uint32_t most_slots = 0;
};

Cut cut_pages(const PackingInput& input, const PageGeometry& geometry, std::uint32_t slots_max) {
    Cut cut;
    std::uint32_t slots = 0;
    std::uint64_t neighbors = 0;
    for (std::size_t i = 0; i < input.order.size(); ++i) {
        const std::uint32_t degree = input.degrees[input.order[i]];
        const bool opens =
            slots == 0 || slots == slots_max || !fits(geometry, slots + 1, neighbors + degree);
        if (opens) {
            cut.first.push_back(static_cast<std::uint32_t>(i));
            slots = 0;
            neighbors = 0;
        }
        ++slots;
        neighbors += degree;
        cut.most_slots = std::max(cut.most_slots, slots);
    }
    cut.first.push_back(static_cast<std::uint32_t>(input.order.size()));
    return cut;
}

// More slots make fewer pages but leave more numbers without a vertex, whose codes are memory for
// nothing: the limit with the smallest product of pages and places weighs 1 % of one as 1 % of the
// other.
std::uint32_t choose_slots(const PackingInput& input, const PageGeometry& geometry) {
    const Cut free = cut_pages(input, geometry, UINT16_MAX);
    const std::uint64_t fewest = free.first.size() - 1;
    const auto least = static_cast<std::uint32_t>(input.order.size() / fewest);
    std::uint32_t best = free.most_slots;
    double best_cost = std::numeric_limits<double>::infinity();
    for (std::uint32_t slots = std::max(least / 2, 1U); slots <= free.most_slots; ++slots) {
        const auto pages = static_cast<double>(cut_pages(input, geometry, slots).first.size() - 1);
        if (pages * pages * slots >= best_cost) continue;
        best_cost = pages * pages * slots;
        best = slots;
    }
    return best;
}

}  // namespace

Result<std::uint32_t> choose_page_size(const RecordShape& shape, std::uint32_t asked_bytes) {
    const std::string vertex = base::join("a vertex of ", shape.vector_bytes, " vector bytes and ",
                                          shape.max_degree, " neighbours does not fit ");
    if (asked_bytes != 0) {
        if (holds_full_vertex(shape, asked_bytes)) return asked_bytes;
        return base::fail(ErrorCode::kInvalidArgument,
                          base::join("page size: ", vertex, "a page of ", asked_bytes,
                                     " bytes; choose a larger page or a smaller degree"));
    }
    for (std::uint32_t size = kMinPageSize; size <= kMaxPageSize; size *= 2) {
        if (holds_full_vertex(shape, size)) return size;
    }
    return base::fail(
        ErrorCode::kInvalidArgument,
        base::join("page size: ", vertex, "the largest page of ", kMaxPageSize, " bytes"));
}

PagePacking pack_pages(const PackingInput& input, std::uint32_t page_size_bytes) {
    const RecordShape& shape = input.shape;
    TRACKWAY_ASSERT(shape.vertex_count > 0 && input.order.size() == shape.vertex_count);
    TRACKWAY_ASSERT(input.degrees.size() == shape.vertex_count);
    TRACKWAY_ASSERT(holds_full_vertex(shape, page_size_bytes));
    PagePacking packing;
    // Places outnumber vertices by the gaps at the end of pages, which may cost one more bit.
    for (std::uint32_t bits = base::bit_width_of(shape.vertex_count - std::uint64_t{1});; ++bits) {
        packing.geometry = geometry_for(shape, page_size_bytes, bits);
        packing.geometry.vertices_per_page = choose_slots(input, packing.geometry);
        packing.first =
            cut_pages(input, packing.geometry, packing.geometry.vertices_per_page).first;
        packing.geometry.page_count = static_cast<std::uint32_t>(packing.first.size() - 1);
        if (base::bit_width_of(packing.geometry.place_count() - 1) <= bits) break;
    }
    packing.place.resize(input.order.size());
    for (std::uint32_t page = 0; page < packing.geometry.page_count; ++page) {
        for (std::uint32_t i = packing.first[page]; i < packing.first[page + 1]; ++i) {
            packing.place[input.order[i]] =
                packing.geometry.place(PageId{page}, i - packing.first[page]);
        }
    }
    return packing;
}

}  // namespace trackway::layouts
