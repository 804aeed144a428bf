// Gives every vertex its number: how many vertices a page takes at most, where a sequence of them
// is cut into pages, and which place each has.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "layouts/page.h"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace trackway::layouts {

// The vertices page by page.
struct PageGroups {
    std::vector<std::uint32_t> order;  // a permutation of the vertices
    std::vector<std::uint32_t> first;  // of each page, as an index into the order; and the end

    std::uint32_t page_count() const noexcept {
        return static_cast<std::uint32_t>(first.size() - 1);
    }
    std::span<const std::uint32_t> page(std::uint32_t number) const noexcept {
        return std::span(order).subspan(first[number], first[number + 1] - first[number]);
    }
};

struct PagePacking {
    PageGeometry geometry;  // complete but for the seed
    PageGroups groups;
    std::vector<LocalId> place;  // of each vertex
};

// What is chosen for all pages.
struct PageShape {
    std::uint32_t page_size_bytes = 0;
    std::uint32_t vertices_per_page = 0;
    std::uint64_t place_limit = 0;  // of edges
};

// What decides how large records can become.
struct RecordShape {
    std::uint32_t vector_bytes = 0;
    std::uint32_t max_degree = 0;
    std::uint32_t vertex_count = 0;
    std::uint64_t row_count = 0;
    std::uint32_t exact_row_bytes =
        0;  // of the side file, whose pages are of the same size; 0: none
};

// The smallest page that holds a vertex of full degree. kInvalidArgument when none does.
Result<std::uint32_t> smallest_page_size(const RecordShape& shape);
// kInvalidArgument when a vertex of full degree, or an exact row, does not fit such a page.
Status check_page_size(const RecordShape& shape, std::uint32_t page_size_bytes);

// One page that is being filled.
class PageRoom {
public:
    explicit PageRoom(const PageGeometry& geometry) : geometry_(&geometry) {}
    bool takes(std::uint32_t degree) const noexcept {
        return slots_ < geometry_->vertices_per_page &&
               fits(*geometry_, slots_ + 1, edge_bits_ + geometry_->edges.bits(degree));
    }
    void add(std::uint32_t degree) noexcept {
        ++slots_;
        edge_bits_ += geometry_->edges.bits(degree);
    }
    void remove(std::uint32_t degree) noexcept {
        --slots_;
        edge_bits_ -= geometry_->edges.bits(degree);
    }
    bool empty() const noexcept { return slots_ == 0; }

private:
    const PageGeometry* geometry_;
    std::uint32_t slots_ = 0;
    std::uint64_t edge_bits_ = 0;
};

// Cuts a sequence of vertices into pages, each as full as it gets. degrees: of each vertex.
PageGroups cut_pages(std::vector<std::uint32_t> order, std::span<const std::uint32_t> degrees,
                     const PageGeometry& geometry);

// Groups vertices into pages of the geometry given: a page order.
using MakeGroups = std::function<PageGroups(const PageGeometry&)>;

// Chooses vertices_per_page, which balances the count of pages against numbers without a vertex,
// and the limit of places that edges are coded for; then groups, and numbers the vertices.
// REQUIRES: check_page_size().
PagePacking pack_pages(const RecordShape& shape, std::span<const std::uint32_t> degrees,
                       std::uint32_t page_size_bytes, const MakeGroups& make_groups);

// The packing that pack_pages() made of these groups and this shape.
PagePacking repack_pages(const RecordShape& record, const PageShape& page, PageGroups groups);

}  // namespace trackway::layouts
