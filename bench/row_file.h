// Rows of a vector file on pages of their own, read past the page cache: what an index of codes
// ranks its candidates by.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "base/aligned_buffer.h"
#include "io/file.h"
#include "io/page_reader.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace trackway::bench {

constexpr std::uint32_t kRowPageBytes = 4096;

// Where rows lie: as many as fit to a page, or as many pages to a row as it needs.
struct RowPlaces {
    std::size_t row_bytes = 0;

    std::size_t rows_per_group() const {
        return std::max<std::size_t>(1, kRowPageBytes / row_bytes);
    }
    std::size_t pages_per_group() const { return (row_bytes + kRowPageBytes - 1) / kRowPageBytes; }
    std::size_t group_bytes() const { return pages_per_group() * kRowPageBytes; }
};

// Copies the rows of a vector file.
Status write_row_file(const std::string& vectors, const std::string& path);

// Reads rows of such a file, all pages of one call at once. Of one thread.
class RowReader {
public:
    static Result<std::unique_ptr<RowReader>> open(const io::File& file, std::size_t row_bytes,
                                                   std::size_t rows_at_once);

    // Reads the pages of these rows, each page once; row() then gives what each holds. Returns the
    // pages read. REQUIRES: no more rows than rows_at_once.
    Result<std::uint64_t> read(std::span<const std::int64_t> rows);
    const std::byte* row(std::int64_t id) const;

private:
    RowReader(const io::File& file, std::size_t row_bytes, std::size_t rows_at_once);
    Status finish_reads(std::size_t count);

    const io::File* file_;
    RowPlaces places_;
    base::AlignedBuffer buffers_;
    std::vector<std::size_t> groups_;  // sorted; group i lies at i * group_bytes()
    std::vector<io::PageRead> reads_;
    std::unique_ptr<io::PageReader> reader_;
};

}  // namespace trackway::bench
