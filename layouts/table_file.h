// Tables that search keeps in memory (codes, codebooks): rows of equal size, checksummed by chunk.
#pragma once

#include "trackway/result.h"

#include "base/aligned_buffer.h"
#include "io/file.h"
#include "layouts/format.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace trackway::layouts {

constexpr std::uint64_t kAnyRows = UINT64_MAX;

struct TableShape {
    TableKind kind = TableKind::kCodes;
    std::uint32_t row_bytes = 0;
    std::uint64_t row_count = 0;
};

// Bytes of the file that such a table makes.
std::uint64_t table_file_bytes(const TableShape& shape) noexcept;

// The whole table under its temporary name. REQUIRES: rows.size() == row_bytes * row_count.
Result<io::StagedFile> write_table(const std::filesystem::path& path, const Uuid& uuid,
                                   const TableShape& shape, std::span<const std::byte> rows);

// Reads and verifies the whole table, whose shape must be the one given; row_count kAnyRows takes
// what the file has.
Result<base::AlignedBuffer> read_table(const std::filesystem::path& path, const Uuid& uuid,
                                       const TableShape& shape);

}  // namespace trackway::layouts
