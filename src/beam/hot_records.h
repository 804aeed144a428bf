// Records of hot vertices that stay in memory: a search expands and scores them without a read.
#pragma once

#include "trackway/types.h"

#include "layouts/page.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::beam {

struct HotRecord {
    std::uint32_t row = 0;
    const std::byte* vector = nullptr;  // aligned to its elements
    std::uint32_t degree = 0;
};

class HotRecords {
public:
    // Room for the records of these places, which are distinct, and nothing in them yet.
    HotRecords(const layouts::PageGeometry& geometry, std::span<const std::uint32_t> places);

    // Bytes that a record takes at most, its share of the table included.
    static std::uint64_t record_bytes(const layouts::PageGeometry& geometry) noexcept;

    // Copies what the page holds of the places wanted.
    void add_page(PageId page, const layouts::PageView& view);
    // Forgets places that no page held.
    void finish();

    std::uint32_t count() const noexcept { return count_; }
    std::uint64_t bytes() const noexcept;

    // False when the place is not resident.
    bool find(std::uint32_t place, HotRecord& record) const noexcept;
    // Writes record.degree places to out. REQUIRES: find(place, record) said so.
    void neighbors(std::uint32_t place, std::uint32_t* out) const noexcept;

private:
    static constexpr std::uint32_t kNone = UINT32_MAX;
    struct Entry {
        std::uint32_t place = kNone;
        std::uint32_t record = kNone;  // kNone: wanted, not there yet
    };

    std::size_t position(std::uint32_t place) const noexcept;
    const Entry* entry(std::uint32_t place) const noexcept;

    const layouts::PageGeometry& geometry_;
    std::vector<Entry> table_;  // open addressing
    unsigned shift_ = 0;
    std::uint32_t count_ = 0;
    // Vectors have a fixed size; the rest of a record is row, degree and its list's bits.
    std::vector<std::byte> vectors_;
    std::vector<std::byte> lists_;
    std::vector<std::size_t> list_at_;
};

}  // namespace trackway::beam
