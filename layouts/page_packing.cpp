#include "layouts/page_packing.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/errors.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>

namespace trackway::layouts {
namespace {

constexpr std::uint64_t kPlacesMax = std::uint64_t{1} << 32U;

PageGeometry geometry_for(const RecordShape& shape, std::uint32_t page_size_bytes,
                          std::uint64_t place_limit) {
    return {.page_size_bytes = page_size_bytes,
            .vector_bytes = shape.vector_bytes,
            .max_degree = shape.max_degree,
            .row_bits = base::bit_width_of(shape.row_count - 1),
            .row_count = shape.row_count,
            .edges = EdgeCode::elias_fano(place_limit)};
}

// Edges cost most where places are most: twice the vertices, by far.
bool holds_full_vertex(const RecordShape& shape, std::uint32_t page_size_bytes) {
    const std::uint64_t limit = std::min(std::uint64_t{shape.vertex_count} * 2 + 1, kPlacesMax);
    const PageGeometry geometry = geometry_for(shape, page_size_bytes, limit);
    return fits(geometry, 1, geometry.edges.bits(shape.max_degree));
}

bool holds_exact_row(const RecordShape& shape, std::uint32_t page_size_bytes) {
    return sizeof(PageHeader) + shape.exact_row_bytes <= page_size_bytes;
}

std::string row_too_large(const RecordShape& shape) {
    return base::join("vector encoding: an exact row of ", shape.exact_row_bytes,
                      " bytes does not fit ");
}

std::string too_large(const RecordShape& shape) {
    return base::join("page size: a vertex of ", shape.vector_bytes, " vector bytes and ",
                      shape.max_degree, " neighbours does not fit ");
}

struct Count {
    std::uint32_t pages = 0;
    std::uint32_t most_slots = 0;
};

// How many pages the vertices take as they stand in the dataset.
Count count_pages(std::span<const std::uint32_t> degrees, PageGeometry& geometry,
                  std::uint32_t slots_max) {
    geometry.vertices_per_page = slots_max;
    Count count;
    PageRoom room(geometry);
    std::uint32_t slots = 0;
    for (const std::uint32_t degree : degrees) {
        if (count.pages == 0 || !room.takes(degree)) {
            ++count.pages;
            room = PageRoom(geometry);
            slots = 0;
        }
        room.add(degree);
        count.most_slots = std::max(count.most_slots, ++slots);
    }
    return count;
}

// More slots make fewer pages but leave more numbers without a vertex, whose codes are memory for
// nothing: the limit with the smallest product of pages and places weighs 1 % of one as 1 % of the
// other. Returns the places that it makes.
std::uint64_t choose_slots(std::span<const std::uint32_t> degrees, PageGeometry& geometry) {
    const Count free = count_pages(degrees, geometry, UINT16_MAX);
    const auto least = static_cast<std::uint32_t>(degrees.size() / free.pages);
    std::uint32_t best = free.most_slots;
    std::uint32_t best_pages = free.pages;
    double best_cost = std::numeric_limits<double>::infinity();
    for (std::uint32_t slots = std::max(least / 2, 1U); slots <= free.most_slots; ++slots) {
        const std::uint32_t pages = count_pages(degrees, geometry, slots).pages;
        const double cost = double{static_cast<double>(pages)} * pages * slots;
        if (cost >= best_cost) continue;
        best_cost = cost;
        best = slots;
        best_pages = pages;
    }
    geometry.vertices_per_page = best;
    return std::uint64_t{best_pages} * best;
}

// Above what is known to be needed, for an order that takes a few more pages; 6 % cost 0.1 bits
// for each edge.
std::uint64_t with_margin(std::uint64_t places) {
    return std::min(places + places / 16 + 1, kPlacesMax);
}

PageGeometry plan_geometry(const RecordShape& shape, std::span<const std::uint32_t> degrees,
                           std::uint32_t page_size_bytes, std::uint64_t least_limit) {
    for (std::uint64_t limit = least_limit;;) {
        PageGeometry geometry = geometry_for(shape, page_size_bytes, limit);
        const std::uint64_t wanted = with_margin(choose_slots(degrees, geometry));
        if (wanted <= limit || limit == kPlacesMax) return geometry;
        limit = wanted;
    }
}

}  // namespace

Result<std::uint32_t> smallest_page_size(const RecordShape& shape) {
    for (std::uint32_t size = kMinPageSize; size <= kMaxPageSize; size *= 2) {
        if (holds_full_vertex(shape, size) && holds_exact_row(shape, size)) return size;
    }
    if (!holds_exact_row(shape, kMaxPageSize)) {
        return base::fail(
            ErrorCode::kInvalidArgument,
            base::join(row_too_large(shape), "the largest page of ", kMaxPageSize, " bytes"));
    }
    return base::fail(ErrorCode::kInvalidArgument,
                      base::join(too_large(shape), "the largest page of ", kMaxPageSize, " bytes"));
}

Status check_page_size(const RecordShape& shape, std::uint32_t page_size_bytes) {
    if (!holds_exact_row(shape, page_size_bytes)) {
        return base::fail(ErrorCode::kInvalidArgument,
                          base::join(row_too_large(shape), "a page of ", page_size_bytes,
                                     " bytes; choose a larger page size"));
    }
    if (holds_full_vertex(shape, page_size_bytes)) return {};
    return base::fail(ErrorCode::kInvalidArgument,
                      base::join(too_large(shape), "a page of ", page_size_bytes,
                                 " bytes; choose a larger page or a smaller degree"));
}

PageGroups cut_pages(std::vector<std::uint32_t> order, std::span<const std::uint32_t> degrees,
                     const PageGeometry& geometry) {
    PageGroups groups{std::move(order), {}};
    PageRoom room(geometry);
    for (std::size_t i = 0; i < groups.order.size(); ++i) {
        const std::uint32_t degree = degrees[groups.order[i]];
        if (i == 0 || !room.takes(degree)) {
            groups.first.push_back(static_cast<std::uint32_t>(i));
            room = PageRoom(geometry);
        }
        room.add(degree);
    }
    groups.first.push_back(static_cast<std::uint32_t>(groups.order.size()));
    return groups;
}

namespace {

void number_vertices(PagePacking& packing) {
    packing.place.resize(packing.groups.order.size());
    for (std::uint32_t page = 0; page < packing.geometry.page_count; ++page) {
        std::uint32_t slot = 0;
        for (const std::uint32_t vertex : packing.groups.page(page))
            packing.place[vertex] = packing.geometry.place(PageId{page}, slot++);
    }
}

}  // namespace

PagePacking repack_pages(const RecordShape& record, const PageShape& page, PageGroups groups) {
    PagePacking packing;
    packing.geometry = geometry_for(record, page.page_size_bytes, page.place_limit);
    packing.geometry.vertices_per_page = page.vertices_per_page;
    packing.geometry.page_count = groups.page_count();
    packing.groups = std::move(groups);
    number_vertices(packing);
    return packing;
}

PagePacking pack_pages(const RecordShape& shape, std::span<const std::uint32_t> degrees,
                       std::uint32_t page_size_bytes, const MakeGroups& make_groups) {
    TRACKWAY_ASSERT(shape.vertex_count > 0 && degrees.size() == shape.vertex_count);
    TRACKWAY_ASSERT(check_page_size(shape, page_size_bytes).has_value());
    PagePacking packing;
    for (std::uint64_t limit = shape.vertex_count;;) {
        packing.geometry = plan_geometry(shape, degrees, page_size_bytes, limit);
        packing.groups = make_groups(packing.geometry);
        packing.geometry.page_count = packing.groups.page_count();
        const std::uint64_t places = packing.geometry.place_count();
        if (places <= packing.geometry.edges.place_limit()) break;
        TRACKWAY_ASSERT(places < kPlacesMax);
        limit = with_margin(places);
    }
    number_vertices(packing);
    return packing;
}

}  // namespace trackway::layouts
