#include "io/row_cache.h"

#include "base/errors.h"

#include <algorithm>
#include <cstring>

namespace trackway::io {

RowCache::RowCache(const File& file, std::size_t row_bytes, std::uint64_t memory_bytes)
    : file_(file),
      row_bytes_(row_bytes),
      sets_(std::max<std::uint64_t>(1, memory_bytes / (kWays * row_bytes + sizeof(Set)))),
      slots_(sets_.size() * kWays * row_bytes) {}

Status RowCache::copy(std::uint32_t row, std::span<std::byte> out) {
    constexpr std::uint32_t kScatter = 2654435769U;  // 2^32 / golden ratio: rows in order spread
    const std::uint32_t scattered = row * kScatter;
    const std::size_t at = std::uint64_t{scattered} * sets_.size() >> 32U;
    Set& set = sets_[at];
    auto way = static_cast<std::size_t>(std::find(set.rows.begin(), set.rows.end(), row) -
                                        set.rows.begin());
    const bool is_kept = way < kWays;
    if (!is_kept) way = set.next++ % kWays;
    const std::span<std::byte> slot(slots_.data() + (at * kWays + way) * row_bytes_, row_bytes_);
    if (!is_kept) {
        set.rows[way] = kNone;
        TRACKWAY_TRY(file_.read_exact(std::uint64_t{row} * row_bytes_, slot));
        set.rows[way] = row;
    }
    std::memcpy(out.data(), slot.data(), row_bytes_);
    return {};
}

}  // namespace trackway::io
