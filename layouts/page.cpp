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

std::size_t bit_stream_bytes(const PageGeometry& geometry, std::uint64_t slots,
                             std::uint64_t neighbors) noexcept {
    return base::bytes_of_bits(slots * geometry.row_bits + neighbors * geometry.neighbor_bits);
}

}  // namespace

bool fits(const PageGeometry& geometry, std::uint32_t slots, std::uint64_t neighbors) noexcept {
    const std::size_t front =
        sizeof(PageHeader) + slots + bit_stream_bytes(geometry, slots, neighbors);
    // Readers take 8 bytes at a time from the bit stream: vectors behind it, or zeros, leave room.
    const std::size_t back =
        std::max(std::size_t{slots} * geometry.vector_bytes, base::kBitReadSlack);
    return front + back <= geometry.page_size_bytes;
}

void encode_page(const PageGeometry& geometry, PageId page, std::span<const VertexRecord> records,
                 std::span<std::byte> bytes) {
    const auto slots = static_cast<std::uint32_t>(records.size());
    std::uint64_t neighbors = 0;
    for (const VertexRecord& record : records)
        neighbors += record.neighbors.size();
    TRACKWAY_ASSERT(bytes.size() == geometry.page_size_bytes);
    TRACKWAY_ASSERT(slots > 0 && slots <= geometry.vertices_per_page);
    TRACKWAY_ASSERT(fits(geometry, slots, neighbors));
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
        for (const std::uint32_t neighbor : record.neighbors) {
            base::write_bits(bits, bit, geometry.neighbor_bits, neighbor);
            bit += geometry.neighbor_bits;
        }
    }
    // Vectors last: writing bits touches whole words, zeros beyond their end.
    for (const VertexRecord& record : records) {
        std::memcpy(vectors, record.vector, geometry.vector_bytes);
        vectors += geometry.vector_bytes;
    }
    PageHeader header{.checksum = 0,
                      .page_id = static_cast<std::uint32_t>(page),
                      .slot_count = static_cast<std::uint16_t>(slots),
                      .reserved = 0};
    std::memcpy(bytes.data(), &header, sizeof header);
    header.checksum = base::checksum64(bytes.subspan(kChecksummedFrom), geometry.seed);
    std::memcpy(bytes.data(), &header, sizeof header);
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
    const auto number = static_cast<std::uint32_t>(page);
    PageHeader header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    const std::uint64_t checksum = base::checksum64(bytes.subspan(kChecksummedFrom), geometry.seed);
    if (header.checksum != checksum) {
        return fail(ErrorCode::kCorruption,
                    join("page ", number, ": checksum: expected ", base::hex(header.checksum),
                         ", found ", base::hex(checksum)));
    }
    if (header.page_id != number) {
        return fail(ErrorCode::kCorruption, join("page ", number, ": page id: expected ", number,
                                                 ", found ", header.page_id));
    }
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
    std::uint64_t neighbors = 0;
    for (std::uint32_t slot = 0; slot < slot_count_; ++slot) {
        neighbors += degree(slot);
        if (degree(slot) > geometry_->max_degree) {
            return fail(ErrorCode::kCorruption,
                        join("slot ", slot, ": degree: expected at most ", geometry_->max_degree,
                             ", found ", degree(slot)));
        }
    }
    if (!fits(*geometry_, slot_count_, neighbors)) {
        return fail(ErrorCode::kCorruption,
                    join("expected at most a page of neighbours, found ", neighbors));
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

void PageView::neighbors(std::uint32_t slot, std::uint32_t* out) const noexcept {
    TRACKWAY_ASSERT(slot < slot_count_);
    std::size_t skipped = 0;
    for (std::uint32_t before = 0; before < slot; ++before)
        skipped += degree(before);
    const std::uint32_t width = geometry_->neighbor_bits;
    std::size_t bit = std::size_t{slot_count_} * geometry_->row_bits + skipped * width;
    const std::uint32_t count = degree(slot);
    for (std::uint32_t i = 0; i < count; ++i, bit += width)
        out[i] = base::read_bits(bits_, bit, width);
}

}  // namespace trackway::layouts
