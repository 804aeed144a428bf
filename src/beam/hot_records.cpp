#include "beam/hot_records.h"

#include "base/assert.h"
#include "base/bits.h"

#include <algorithm>
#include <bit>

namespace trackway::beam {
namespace {

constexpr std::uint32_t kNone = UINT32_MAX;

}  // namespace

std::uint64_t HotRecords::record_bytes(const layouts::PageGeometry& geometry) noexcept {
    const std::uint64_t list = base::bytes_of_bits(geometry.edges.bits(geometry.max_degree));
    static_assert(sizeof(Head) + sizeof(Page) + 4 * sizeof(std::uint32_t) == kTableBytesEach);
    return geometry.vector_bytes + list + kTableBytesEach;
}

// What is reserved and not used is never touched.
void HotRecords::reserve(std::size_t records, std::size_t pages) {
    vectors_.reserve(records * geometry_.vector_bytes);
    heads_.reserve(records);
    lists_.reserve(records * base::bytes_of_bits(geometry_.edges.bits(geometry_.max_degree)) +
                   base::kBitReadSlack);
    pages_.reserve(pages + 1);
}

void HotRecords::add(PageId page, const layouts::PageView& view,
                     std::span<const std::uint32_t> slots) {
    const auto number = static_cast<std::uint32_t>(page);
    TRACKWAY_ASSERT(pages_.empty() || pages_.back().page < number);
    pages_.push_back({number, count()});
    for (const std::uint32_t slot : slots) {
        const std::byte* vector = view.vectors() + std::size_t{slot} * geometry_.vector_bytes;
        vectors_.insert(vectors_.end(), vector, vector + geometry_.vector_bytes);
        heads_.push_back(
            {.row = static_cast<std::uint32_t>(static_cast<std::uint64_t>(view.row(slot))),
             .slot = static_cast<std::uint16_t>(slot),
             .degree = static_cast<std::uint16_t>(view.degree(slot)),
             .list_at = lists_.size()});
        lists_.resize(lists_.size() + base::bytes_of_bits(geometry_.edges.bits(view.degree(slot))));
        view.copy_edge_bits(slot, lists_.data() + heads_.back().list_at);
    }
}

void HotRecords::finish() {
    table_.assign(std::bit_ceil(std::max<std::size_t>(2, pages_.size() * 2)), kNone);
    shift_ = 64U - static_cast<unsigned>(std::countr_zero(table_.size()));
    for (std::uint32_t i = 0; i < pages_.size(); ++i) {
        std::size_t at = position(pages_[i].page);
        while (table_[at] != kNone)
            at = (at + 1) & (table_.size() - 1);
        table_[at] = i;
    }
    pages_.push_back({kNone, count()});
    lists_.resize(lists_.size() + base::kBitReadSlack);
}

// Fibonacci hashing (Knuth, volume 3, section 6.4).
std::size_t HotRecords::position(std::uint32_t page) const noexcept {
    return static_cast<std::size_t>((page * 0x9e3779b97f4a7c15U) >> shift_);
}

std::uint64_t HotRecords::bytes() const noexcept {
    return vectors_.size() + heads_.size() * sizeof(Head) + lists_.size() +
           pages_.size() * sizeof(Page) + table_.size() * sizeof(std::uint32_t);
}

bool HotRecords::find(LocalId place, HotPage& page) const noexcept {
    const auto number = static_cast<std::uint32_t>(geometry_.page_of(place));
    std::size_t at = position(number);
    while (table_[at] != kNone && pages_[table_[at]].page != number)
        at = (at + 1) & (table_.size() - 1);
    if (table_[at] == kNone) return false;
    const std::uint32_t first = pages_[table_[at]].first;
    const std::uint32_t end = pages_[table_[at] + 1].first;
    const std::uint32_t slot = geometry_.slot_of(place);
    const auto heads = std::span(heads_).subspan(first, end - first);
    if (std::none_of(heads.begin(), heads.end(),
                     [&](const Head& head) { return head.slot == slot; })) {
        return false;
    }
    page.records_ = this;
    page.first_ = first;
    page.count_ = end - first;
    return true;
}

const std::byte* HotPage::vectors() const noexcept {
    return records_->vectors_.data() + std::size_t{first_} * records_->geometry_.vector_bytes;
}
std::uint32_t HotPage::slot(std::uint32_t i) const noexcept {
    return records_->heads_[first_ + i].slot;
}
VectorId HotPage::row(std::uint32_t i) const noexcept {
    return VectorId{records_->heads_[first_ + i].row};
}
std::uint32_t HotPage::degree(std::uint32_t i) const noexcept {
    return records_->heads_[first_ + i].degree;
}
void HotPage::neighbors(std::uint32_t i, std::uint32_t* out) const noexcept {
    const HotRecords::Head& head = records_->heads_[first_ + i];
    records_->geometry_.edges.decode(records_->lists_.data() + head.list_at, 0, head.degree, out);
}

}  // namespace trackway::beam
