#include "layouts/trace_file.h"

#include "base/errors.h"
#include "layouts/table_file.h"

#include <cstring>

namespace trackway::layouts {

Status write_trace(const std::filesystem::path& path, const Uuid& uuid,
                   std::span<const std::uint32_t> visits) {
    const TableShape shape{TableKind::kTrace, sizeof(std::uint32_t), visits.size()};
    TRACKWAY_TRY_ASSIGN(file, write_table(path, uuid, shape, std::as_bytes(visits)));
    return file.publish();
}

Result<std::vector<std::uint32_t>> read_trace(const std::filesystem::path& path, const Uuid& uuid,
                                              std::uint64_t place_count) {
    TRACKWAY_TRY_ASSIGN(
        bytes, read_table(path, uuid, {TableKind::kTrace, sizeof(std::uint32_t), kAnyRows}));
    std::vector<std::uint32_t> visits(bytes.size() / sizeof(std::uint32_t));
    if (!visits.empty()) std::memcpy(visits.data(), bytes.data(), bytes.size());
    const auto offset = [](std::size_t i) { return kHeaderBytes + i * sizeof(std::uint32_t); };
    for (std::size_t begin = 0; begin < visits.size();) {
        const std::size_t count = visits[begin];
        if (count >= visits.size() - begin) {
            return base::fail(ErrorCode::kCorruption,
                              base::join(path.string(), ": offset ", offset(begin), ": expected ",
                                         count, " visits, found ", visits.size() - begin - 1));
        }
        for (std::size_t i = begin + 1; i <= begin + count; ++i) {
            if (visits[i] < place_count) continue;
            return base::fail(
                ErrorCode::kCorruption,
                base::join(path.string(), ": offset ", offset(i), ": expected a place below ",
                           place_count, ", found ", visits[i]));
        }
        begin += count + 1;
    }
    return visits;
}

}  // namespace trackway::layouts
