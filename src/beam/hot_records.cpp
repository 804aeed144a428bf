#include "beam/hot_records.h"

#include "base/assert.h"
#include "base/bits.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace trackway::beam {
namespace {

constexpr std::size_t kListHead = 5;  // row: 4 bytes, degree: 1

}  // namespace

HotRecords::HotRecords(const layouts::PageGeometry& geometry, std::span<const std::uint32_t> places)
    : geometry_(geometry), table_(std::bit_ceil(std::max<std::size_t>(2, places.size() * 2))) {
    shift_ = 64U - static_cast<unsigned>(std::countr_zero(table_.size()));
    for (const std::uint32_t place : places) {
        std::size_t at = position(place);
        while (table_[at].place != kNone)
            at = (at + 1) & (table_.size() - 1);
        table_[at].place = place;
    }
    vectors_.reserve(places.size() * geometry.vector_bytes);
    list_at_.reserve(places.size());
}

std::uint64_t HotRecords::record_bytes(const layouts::PageGeometry& geometry) noexcept {
    const std::uint64_t list = base::bytes_of_bits(geometry.edges.bits(geometry.max_degree));
    return geometry.vector_bytes + kListHead + list + sizeof(std::size_t) + 4 * sizeof(Entry);
}

// Fibonacci hashing (Knuth, volume 3, section 6.4).
std::size_t HotRecords::position(std::uint32_t place) const noexcept {
    return static_cast<std::size_t>((place * 0x9e3779b97f4a7c15U) >> shift_);
}

const HotRecords::Entry* HotRecords::entry(std::uint32_t place) const noexcept {
    for (std::size_t at = position(place); table_[at].place != kNone;
         at = (at + 1) & (table_.size() - 1)) {
        if (table_[at].place == place) return &table_[at];
    }
    return nullptr;
}

void HotRecords::add_page(PageId page, const layouts::PageView& view) {
    std::vector<std::uint32_t> neighbors(geometry_.max_degree);
    for (std::uint32_t slot = 0; slot < view.slot_count(); ++slot) {
        const Entry* wanted = entry(static_cast<std::uint32_t>(geometry_.place(page, slot)));
        if (wanted == nullptr || wanted->record != kNone) continue;
        table_[static_cast<std::size_t>(wanted - table_.data())].record = count_++;
        const std::byte* vector = view.vectors() + std::size_t{slot} * geometry_.vector_bytes;
        vectors_.insert(vectors_.end(), vector, vector + geometry_.vector_bytes);
        const auto row = static_cast<std::uint32_t>(static_cast<std::uint64_t>(view.row(slot)));
        const std::uint32_t degree = view.degree(slot);
        const std::size_t at = lists_.size();
        const std::size_t bits = geometry_.edges.bits(degree);
        list_at_.push_back(at);
        lists_.resize(at + kListHead + base::bytes_of_bits(bits));
        std::memcpy(lists_.data() + at, &row, sizeof row);
        lists_[at + 4] = static_cast<std::byte>(degree);
        view.copy_edge_bits(slot, lists_.data() + at + kListHead);
    }
}

void HotRecords::finish() {
    lists_.resize(lists_.size() + base::kBitReadSlack);
    lists_.shrink_to_fit();
    vectors_.shrink_to_fit();
}

std::uint64_t HotRecords::bytes() const noexcept {
    return table_.capacity() * sizeof(Entry) + vectors_.capacity() + lists_.capacity() +
           list_at_.capacity() * sizeof(std::size_t);
}

bool HotRecords::find(std::uint32_t place, HotRecord& record) const noexcept {
    const Entry* found = entry(place);
    if (found == nullptr || found->record == kNone) return false;
    const std::byte* list = lists_.data() + list_at_[found->record];
    std::memcpy(&record.row, list, sizeof record.row);
    record.degree = std::to_integer<std::uint32_t>(list[4]);
    record.vector = vectors_.data() + std::size_t{found->record} * geometry_.vector_bytes;
    return true;
}

void HotRecords::neighbors(std::uint32_t place, std::uint32_t* out) const noexcept {
    const Entry* found = entry(place);
    TRACKWAY_ASSERT(found != nullptr && found->record != kNone);
    const std::byte* list = lists_.data() + list_at_[found->record];
    geometry_.edges.decode(list + kListHead, 0, std::to_integer<std::uint32_t>(list[4]), out);
}

}  // namespace trackway::beam
