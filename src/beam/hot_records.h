// Records of hot vertices that stay in memory. Those of one page stand together and are used like a
// page that has just been read, without the read.
#pragma once

#include "trackway/types.h"

#include "layouts/page.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::beam {

class HotRecords;

// The resident records of one page, in the order of their slots. A view; the records outlive it.
class HotPage {
public:
    std::uint32_t count() const noexcept { return count_; }
    // The vectors of all records, one after the other.
    const std::byte* vectors() const noexcept;
    // Of record i < count().
    std::uint32_t slot(std::uint32_t i) const noexcept;
    VectorId row(std::uint32_t i) const noexcept;
    std::uint32_t degree(std::uint32_t i) const noexcept;
    // Writes degree(i) places to out.
    void neighbors(std::uint32_t i, std::uint32_t* out) const noexcept;

private:
    friend class HotRecords;
    const HotRecords* records_ = nullptr;
    std::uint32_t first_ = 0;
    std::uint32_t count_ = 0;
};

class HotRecords {
public:
    // Nothing resident yet. The geometry must outlive it.
    explicit HotRecords(const layouts::PageGeometry& geometry) : geometry_(geometry) {}

    // Of these beside vector and edges: where they begin, its row, its share of the tables.
    static constexpr std::uint64_t kTableBytesEach = 40;

    // Bytes that a record takes at most, its share of the tables included.
    static std::uint64_t record_bytes(const layouts::PageGeometry& geometry) noexcept;

    // Room for so many, so that adding them moves nothing: at no time is more resident than they
    // take.
    void reserve(std::size_t records, std::size_t pages);
    // Copies the records of these slots, which are sorted. REQUIRES: pages in rising order.
    void add(PageId page, const layouts::PageView& view, std::span<const std::uint32_t> slots);
    // No more will be added: from here on it can be asked.
    void finish();

    std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(heads_.size()); }
    std::uint64_t bytes() const noexcept;

    // False when this place is not resident; otherwise all that is resident of its page.
    bool find(LocalId place, HotPage& page) const noexcept;

private:
    friend class HotPage;
    struct Head {
        std::uint32_t row = 0;
        std::uint16_t slot = 0;
        std::uint16_t degree = 0;
        std::uint64_t list_at = 0;  // in lists_
    };
    struct Page {
        std::uint32_t page = 0;
        std::uint32_t first = 0;  // record
    };

    std::size_t position(std::uint32_t page) const noexcept;

    const layouts::PageGeometry& geometry_;
    std::vector<std::byte> vectors_;
    std::vector<Head> heads_;
    std::vector<std::byte> lists_;      // edges, as the page has them
    std::vector<Page> pages_;           // in rising order; and the end
    std::vector<std::uint32_t> table_;  // numbers of pages_, by a hash of the page
    unsigned shift_ = 0;
};

}  // namespace trackway::beam
