#include "layouts/page.h"

#include "base/assert.h"
#include "base/checksum.h"
#include "base/errors.h"

#include <algorithm>
#include <cstring>

namespace trackway::layouts {
namespace {

using base::fail;
using base::join;

constexpr std::size_t kChecksummedFrom = 8;

}  // namespace

void seal_page(PageId page, std::uint32_t slots, std::uint64_t seed, std::span<std::byte> bytes) {
    PageHeader header{.checksum = 0,
                      .page_id = static_cast<std::uint32_t>(page),
                      .slot_count = static_cast<std::uint16_t>(slots),
                      .reserved = 0};
    std::memcpy(bytes.data(), &header, sizeof header);
    header.checksum = base::checksum64(bytes.subspan(kChecksummedFrom), seed);
    std::memcpy(bytes.data(), &header, sizeof header);
}

Result<PageHeader> open_page(PageId page, std::uint64_t seed, std::span<const std::byte> bytes) {
    const auto number = static_cast<std::uint32_t>(page);
    PageHeader header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    const std::uint64_t checksum = base::checksum64(bytes.subspan(kChecksummedFrom), seed);
    if (header.checksum != checksum) {
        return fail(ErrorCode::kCorruption,
                    join("page ", number, ": checksum: expected ", base::hex(header.checksum),
                         ", found ", base::hex(checksum)));
    }
    if (header.page_id != number) {
        return fail(ErrorCode::kCorruption, join("page ", number, ": page id: expected ", number,
                                                 ", found ", header.page_id));
    }
    return header;
}

bool fits(const PageGeometry& geometry, std::uint32_t slots, std::uint64_t edge_bits) noexcept {
    const std::size_t front =
        sizeof(PageHeader) + slots +
        base::bytes_of_bits(std::uint64_t{slots} * geometry.row_bits + edge_bits);
    // Readers take 8 bytes at a time from the bit stream: vectors behind it, or zeros, leave room.
    const std::size_t back =
        std::max(std::size_t{slots} * geometry.vector_bytes, base::kBitReadSlack);
    return front + back <= geometry.page_size_bytes;
}

void encode_page(const PageGeometry& geometry, PageId page, std::span<const VertexRecord> records,
                 std::span<std::byte> bytes) {
    const auto slots = static_cast<std::uint32_t>(records.size());
    std::uint64_t edge_bits = 0;
    for (const VertexRecord& record : records)
        edge_bits += geometry.edges.bits(static_cast<std::uint32_t>(record.neighbors.size()));
    TRACKWAY_ASSERT(bytes.size() == geometry.page_size_bytes);
    TRACKWAY_ASSERT(slots > 0 && slots <= geometry.vertices_per_page);
    TRACKWAY_ASSERT(fits(geometry, slots, edge_bits));
    std::fill(bytes.begin(), bytes.end(), std::byte{0});
    std::byte* degrees = bytes.data() + sizeof(PageHeader);
    std::byte* bits = degrees + slots;
    std::byte* vectors = bytes.data() + bytes.size() - std::size_t{slots} * geometry.vector_bytes;
    std::size_t bit = 0;
    for (const VertexRecord& record : records) {
        base::write_bits(bits, bit, geometry.row_bits,
                         static_cast<std::uint32_t>(static_cast<std::uint64_t>(record.row)));
        bit += geometry.row_bits;
    }
    for (const VertexRecord& record : records) {
        *degrees++ = static_cast<std::byte>(record.neighbors.size());
        geometry.edges.encode(record.neighbors, bits, bit);
        bit += geometry.edges.bits(static_cast<std::uint32_t>(record.neighbors.size()));
    }
    // Vectors last: writing bits touches whole words, zeros beyond their end.
    for (const VertexRecord& record : records) {
        std::memcpy(vectors, record.vector, geometry.vector_bytes);
        vectors += geometry.vector_bytes;
    }
    seal_page(page, slots, geometry.seed, bytes);
}

PageView::PageView(const PageGeometry& geometry, const std::byte* bytes, std::uint32_t slot_count)
    : geometry_(&geometry),
      slot_count_(slot_count),
      degrees_(bytes + sizeof(PageHeader)),
      bits_(degrees_ + slot_count),
      vectors_(bytes + geometry.page_size_bytes - std::size_t{slot_count} * geometry.vector_bytes) {
}

Result<PageView> PageView::open(const PageGeometry& geometry, PageId page,
                                std::span<const std::byte> bytes) {
    TRACKWAY_ASSERT(bytes.size() == geometry.page_size_bytes);
    TRACKWAY_TRY_ASSIGN(header, open_page(page, geometry.seed, bytes));
    const std::uint32_t number = header.page_id;
    if (header.reserved != 0) {
        return fail(ErrorCode::kCorruption,
                    join("page ", number, ": reserved bytes: expected zeros"));
    }
    const std::uint32_t slots = header.slot_count;
    if (slots == 0 || slots > geometry.vertices_per_page || !fits(geometry, slots, 0)) {
        return fail(ErrorCode::kCorruption, join("page ", number, ": slots: expected 1 to ",
                                                 geometry.vertices_per_page, ", found ", slots));
    }
    PageView view(geometry, bytes.data(), slots);
    if (Status status = view.check_contents(); !status) {
        return fail(status.error().code, join("page ", number, ": ", status.error().message));
    }
    return view;
}

Status PageView::check_contents() const {
    std::uint64_t edge_bits = 0;
    for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
        edge_bits += geometry_->edges.bits(degree(slot));
        if (degree(slot) > geometry_->max_degree) {
            return fail(ErrorCode::kCorruption,
                        join("slot ", slot, ": degree: expected at most ", geometry_->max_degree,
                             ", found ", degree(slot)));
        }
    }
    if (!fits(*geometry_, slot_count_, edge_bits)) {
        return fail(ErrorCode::kCorruption,
                    join("expected at most a page of edges, found ", edge_bits, " bits"));
    }
    for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
        const auto found = static_cast<std::uint64_t>(row(slot));
        if (found >= geometry_->row_count) {
            return fail(ErrorCode::kCorruption, join("slot ", slot, ": row: expected less than ",
                                                     geometry_->row_count, ", found ", found));
        }
    }
    return {};
}

// Where the slot's list begins in the bit stream.
std::size_t PageView::edge_bit(std::uint32_t slot) const noexcept {
    TRACKWAY_ASSERT(slot < slot_count_);
    std::size_t bit = std::size_t{slot_count_} * geometry_->row_bits;
    for (std::uint32_t before = 0; before < slot; ++before)
        bit += geometry_->edges.bits(degree(before));
    return bit;
}

void PageView::neighbors(std::uint32_t slot, std::uint32_t* out) const noexcept {
    geometry_->edges.decode(bits_, edge_bit(slot), degree(slot), out);
}

void PageView::copy_edge_bits(std::uint32_t slot, std::byte* out) const noexcept {
    constexpr std::uint32_t kWord = 32;
    const std::size_t begin = edge_bit(slot);
    const std::uint32_t size = geometry_->edges.bits(degree(slot));
    for (std::uint32_t done = 0; done < size; done += kWord) {
        const std::uint32_t width = std::min(kWord, size - done);
        const std::uint32_t word = base::read_bits(bits_, begin + done, width);
        std::memcpy(out + done / 8, &word, base::bytes_of_bits(width));
    }
}

}  // namespace trackway::layouts
