// Rows of a file, copied one at a time, the last ones kept: for those that look at rows anywhere in
// a file larger than the memory that they may use. A mapping would do badly there: for each row
// that is not resident the kernel maps 16 pages, which fill the memory with rows that nobody wants.
#pragma once

#include "trackway/result.h"

#include "base/aligned_buffer.h"
#include "io/file.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::io {

// For one thread.
class RowCache {
public:
    // The file has rows without gaps and must stay. memory_bytes: of rows that are kept, or a few
    // rows where that is more.
    RowCache(const File& file, std::size_t row_bytes, std::uint64_t memory_bytes);

    // Fills out, of row_bytes.
    Status copy(std::uint32_t row, std::span<std::byte> out);

private:
    static constexpr std::size_t kWays = 4;
    static constexpr std::uint32_t kNone = UINT32_MAX;
    // The slots that a row may stand in.
    struct Set {
        std::array<std::uint32_t, kWays> rows = {kNone, kNone, kNone, kNone};
        std::uint32_t next = 0;  // to be given away
    };

    const File& file_;
    std::size_t row_bytes_;
    std::vector<Set> sets_;
    base::AlignedBuffer slots_;  // kWays rows for each set
};

}  // namespace trackway::io
