// One page of vertices: how it is written and how it is read back, verified.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "base/bits.h"
#include "layouts/edge_code.h"
#include "layouts/format.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::layouts {

// What every page of a graph has in common, and where it lies.
struct PageGeometry {
    std::uint32_t page_size_bytes = 0;
    std::uint32_t vector_bytes = 0;
    std::uint32_t vertices_per_page = 0;  // numbers reserved per page: the most slots
    std::uint32_t page_count = 0;
    std::uint32_t max_degree = 0;
    std::uint32_t row_bits = 0;
    std::uint64_t row_count = 0;  // of the dataset
    std::uint64_t seed = 0;       // page_seed()
    EdgeCode edges;
    // Where a graph has more shards than one: the first page of each shard's file but the first.
    std::vector<std::uint32_t> file_starts = {};

    // Numbers of vertices are below this; some have no vertex where a page is not full.
    std::uint64_t place_count() const noexcept {
        return std::uint64_t{page_count} * vertices_per_page;
    }
    PageId page_of(LocalId vertex) const noexcept {
        return PageId{static_cast<std::uint32_t>(vertex) / vertices_per_page};
    }
    std::uint32_t slot_of(LocalId vertex) const noexcept {
        return static_cast<std::uint32_t>(vertex) % vertices_per_page;
    }
    LocalId place(PageId page, std::uint32_t slot) const noexcept {
        return LocalId{static_cast<std::uint32_t>(page) * vertices_per_page + slot};
    }
    // The shard whose file holds the page.
    std::uint32_t shard_of(PageId page) const noexcept {
        const auto after = std::upper_bound(file_starts.begin(), file_starts.end(),
                                            static_cast<std::uint32_t>(page));
        return static_cast<std::uint32_t>(after - file_starts.begin());
    }
    // In that file: the header occupies its first page.
    std::uint64_t offset_of(PageId page) const noexcept {
        const std::uint32_t shard = shard_of(page);
        const std::uint32_t first = shard == 0 ? 0 : file_starts[shard - 1];
        return (std::uint64_t{static_cast<std::uint32_t>(page)} - first + 1) * page_size_bytes;
    }
};

// What every page begins with: fills in the header, the checksum last.
void seal_page(PageId page, std::uint32_t slots, std::uint64_t seed, std::span<std::byte> bytes);

// kCorruption when checksum or page id disagrees; the message begins at the page ("page 7: ...").
Result<PageHeader> open_page(PageId page, std::uint64_t seed, std::span<const std::byte> bytes);

// Tells whether slots whose edges take these many bits in all fit one page.
bool fits(const PageGeometry& geometry, std::uint32_t slots, std::uint64_t edge_bits) noexcept;

struct VertexRecord {
    VectorId row;
    const std::byte* vector;                   // vector_bytes
    std::span<const std::uint32_t> neighbors;  // places, sorted
};

// Fills the whole page. REQUIRES: records fit, at most vertices_per_page of them.
void encode_page(const PageGeometry& geometry, PageId page, std::span<const VertexRecord> records,
                 std::span<std::byte> bytes);

// A view of a page's bytes, which must outlive it.
class PageView {
public:
    // kCorruption when checksum, page id, slot count or any size disagrees; the message begins at
    // the page ("page 7: ..."), the caller knows the file.
    static Result<PageView> open(const PageGeometry& geometry, PageId page,
                                 std::span<const std::byte> bytes);

    std::uint32_t slot_count() const noexcept { return slot_count_; }
    // The vectors of all slots, one after the other.
    const std::byte* vectors() const noexcept { return vectors_; }
    VectorId row(std::uint32_t slot) const noexcept {
        return VectorId{
            base::read_bits(bits_, std::size_t{slot} * geometry_->row_bits, geometry_->row_bits)};
    }
    std::uint32_t degree(std::uint32_t slot) const noexcept {
        return std::to_integer<std::uint32_t>(degrees_[slot]);
    }
    // Writes degree(slot) places to out; in a page whose checksum was forged, numbers beyond them.
    void neighbors(std::uint32_t slot, std::uint32_t* out) const noexcept;
    // Copies the bits of the slot's list, so that out begins with them.
    // REQUIRES: out has the whole bytes that edges.bits(degree(slot)) bits take.
    void copy_edge_bits(std::uint32_t slot, std::byte* out) const noexcept;

private:
    PageView(const PageGeometry& geometry, const std::byte* bytes, std::uint32_t slot_count);
    Status check_contents() const;
    std::size_t edge_bit(std::uint32_t slot) const noexcept;

    const PageGeometry* geometry_;
    std::uint32_t slot_count_;
    const std::byte* degrees_;
    const std::byte* bits_;
    const std::byte* vectors_;
};

}  // namespace trackway::layouts
