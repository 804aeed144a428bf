#include "layouts/table_file.h"

#include "base/assert.h"
#include "base/checksum.h"
#include "base/errors.h"
#include "layouts/file_start.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace trackway::layouts {
namespace {

using base::fail;
using base::join;

std::uint64_t chunk_count(std::uint64_t payload_bytes) {
    return (payload_bytes + kChunkBytes - 1) / kChunkBytes;
}

template <class Bytes>
auto chunk_of(Bytes payload, std::uint64_t chunk) {
    const std::size_t begin = chunk * kChunkBytes;
    return payload.subspan(begin, std::min<std::size_t>(kChunkBytes, payload.size() - begin));
}

Status check_shape(const io::File& file, const TableHeader& header, const TableShape& shape) {
    const ExpectedField fields[] = {{"kind", static_cast<std::uint32_t>(shape.kind), header.kind},
                                    {"row bytes", shape.row_bytes, header.row_bytes},
                                    {"rows", shape.row_count, header.row_count}};
    TRACKWAY_TRY(check_fields(file, fields));
    TRACKWAY_TRY(check_reserved(file, header.reserved));
    const std::uint64_t expected = table_file_bytes(shape);
    if (file.size_bytes() == expected) return {};
    return fail(ErrorCode::kCorruption, join(file.path().string(), ": expected ", expected,
                                             " bytes, found ", file.size_bytes()));
}

}  // namespace

std::uint64_t table_file_bytes(const TableShape& shape) noexcept {
    const std::uint64_t payload = shape.row_count * shape.row_bytes;
    return kHeaderBytes + payload + 8 * chunk_count(payload);
}

Result<io::StagedFile> write_table(const std::filesystem::path& path, const Uuid& uuid,
                                   const TableShape& shape, std::span<const std::byte> rows) {
    TRACKWAY_ASSERT(rows.size() == shape.row_bytes * shape.row_count);
    std::vector<std::uint64_t> checksums(chunk_count(rows.size()));
    for (std::size_t i = 0; i < checksums.size(); ++i)
        checksums[i] = base::checksum64(chunk_of(rows, i), chunk_seed(uuid, i));
    TableHeader header{};
    header.kind = static_cast<std::uint32_t>(shape.kind);
    header.row_bytes = shape.row_bytes;
    header.row_count = shape.row_count;
    header.chunks_checksum = base::checksum64(std::as_bytes(std::span(checksums)));
    std::vector<std::byte> bytes(kHeaderBytes);
    std::memcpy(bytes.data(), &header, sizeof header);
    seal_header(bytes, {kTableMagic, uuid, kGraphShard});
    TRACKWAY_TRY_ASSIGN(file, io::StagedFile::create(path));
    TRACKWAY_TRY(file.append(bytes));
    TRACKWAY_TRY(file.append(rows));
    TRACKWAY_TRY(file.append(std::as_bytes(std::span(checksums))));
    return file;
}

Result<base::AlignedBuffer> read_table(const std::filesystem::path& path, const Uuid& uuid,
                                       const TableShape& wanted) {
    TableShape shape = wanted;
    TRACKWAY_TRY_ASSIGN(file, io::File::open(path));
    std::vector<std::byte> start(kHeaderBytes);
    TRACKWAY_TRY(file.read_exact(0, start));
    TRACKWAY_TRY(check_header(file, start, {kTableMagic, uuid, kGraphShard}));
    TableHeader header{};
    std::memcpy(&header, start.data(), sizeof header);
    if (wanted.row_count == kAnyRows) {
        // Before any allocation: a row takes at least a byte of the file.
        shape.row_count = std::min(header.row_count, file.size_bytes());
    }
    TRACKWAY_TRY(check_shape(file, header, shape));
    base::AlignedBuffer rows(shape.row_count * shape.row_bytes);
    std::vector<std::uint64_t> checksums(chunk_count(rows.size()));
    file.read_ahead(kHeaderBytes, rows.size() + checksums.size() * sizeof(std::uint64_t));
    const auto list = std::as_writable_bytes(std::span(checksums));
    TRACKWAY_TRY(file.read_exact(kHeaderBytes + rows.size(), list));
    if (base::checksum64(list) != header.chunks_checksum) {
        return fail(ErrorCode::kCorruption,
                    join(path.string(), ": offset ", kHeaderBytes + rows.size(),
                         ": list of checksums: expected ", base::hex(header.chunks_checksum),
                         ", found ", base::hex(base::checksum64(list))));
    }
    TRACKWAY_TRY(file.read_exact(kHeaderBytes, rows.span()));
    for (std::size_t i = 0; i < checksums.size(); ++i) {
        const std::uint64_t found = base::checksum64(chunk_of(rows.span(), i), chunk_seed(uuid, i));
        if (found == checksums[i]) continue;
        return fail(ErrorCode::kCorruption,
                    join(path.string(), ": offset ", kHeaderBytes + i * kChunkBytes,
                         ": checksum of ", chunk_of(rows.span(), i).size(), " bytes: expected ",
                         base::hex(checksums[i]), ", found ", base::hex(found)));
    }
    return rows;
}

}  // namespace trackway::layouts
