#include "layouts/file_start.h"

#include "base/aligned_buffer.h"
#include "base/assert.h"
#include "base/checksum.h"
#include "base/errors.h"
#include "layouts/file_names.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace trackway::layouts {
namespace {

constexpr std::size_t kChecksummedFrom = 16;

std::string text_of(const Uuid& uuid) {
    return uuid_text(uuid).substr(0, 16);
}

Status check_all(const std::string& where, std::span<const ExpectedField> fields,
                 const std::string& by) {
    for (const ExpectedField& field : fields) {
        if (field.expected == field.found) continue;
        return base::fail(ErrorCode::kCorruption,
                          base::join(where, ": ", field.name, ": expected ", field.expected, by,
                                     ", found ", field.found));
    }
    return {};
}

}  // namespace

void seal_header(std::span<std::byte> header, const FileIdentity& identity) {
    TRACKWAY_ASSERT(header.size() == kHeaderBytes);
    FileStart start{.magic = identity.magic,
                    .checksum = 0,
                    .format_major = kFormatMajor,
                    .format_minor = kFormatMinor,
                    .shard_id = identity.shard_id,
                    .index_uuid = identity.uuid};
    std::memcpy(header.data(), &start, sizeof start);
    start.checksum = base::checksum64(header.subspan(kChecksummedFrom));
    std::memcpy(header.data(), &start, sizeof start);
}

Status check_header(const io::File& file, std::span<const std::byte> header,
                    const FileIdentity& identity) {
    TRACKWAY_ASSERT(header.size() == kHeaderBytes);
    FileStart start{};
    std::memcpy(&start, header.data(), sizeof start);
    const auto mismatch = [&](ErrorCode code, std::size_t offset, const std::string& what,
                              const std::string& expected, const std::string& found) -> Status {
        return base::fail(code, base::join(file.path().string(), ": offset ", offset, ": ", what,
                                           ": expected ", expected, ", found ", found));
    };
    if (start.magic != identity.magic) {
        return mismatch(ErrorCode::kCorruption, 0, "magic", base::hex(identity.magic),
                        base::hex(start.magic));
    }
    const std::uint64_t checksum = base::checksum64(header.subspan(kChecksummedFrom));
    if (start.checksum != checksum) {
        return mismatch(ErrorCode::kCorruption, 8, "header checksum", base::hex(start.checksum),
                        base::hex(checksum));
    }
    if (start.format_major != kFormatMajor || start.format_minor > kFormatMinor) {
        return mismatch(ErrorCode::kUnsupported, 16, "format version",
                        base::join(kFormatMajor, ".", kFormatMinor),
                        base::join(start.format_major, ".", start.format_minor));
    }
    if (start.index_uuid != identity.uuid) {
        return mismatch(ErrorCode::kCorruption, 24, "index", text_of(identity.uuid),
                        base::join(text_of(start.index_uuid), " (a file of another index)"));
    }
    if (start.shard_id != identity.shard_id) {
        return mismatch(ErrorCode::kCorruption, 20, "shard", base::join(identity.shard_id),
                        base::join(start.shard_id));
    }
    return {};
}

Status check_fields(const std::filesystem::path& where, std::span<const ExpectedField> fields,
                    const char* by) {
    return check_all(where.string(), fields, base::join(" by ", by));
}

Status check_fields(const io::File& file, std::span<const ExpectedField> fields) {
    return check_all(base::join(file.path().string(), ": header"), fields, "");
}

Status check_reserved(const io::File& file, std::span<const std::uint8_t> bytes) {
    if (std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; }))
        return {};
    return base::fail(ErrorCode::kCorruption,
                      base::join(file.path().string(), ": header: reserved bytes: expected zeros"));
}

Status check_padding(const io::File& file, std::uint32_t page_size_bytes) {
    base::AlignedBuffer page(page_size_bytes);
    TRACKWAY_TRY(file.read_exact(0, page.span()));
    const auto padding = page.span().subspan(kHeaderBytes);
    const auto nonzero = std::find_if(padding.begin(), padding.end(),
                                      [](std::byte byte) { return byte != std::byte{0}; });
    if (nonzero == padding.end()) return {};
    return base::fail(ErrorCode::kCorruption, base::join(file.path().string(), ": offset ",
                                                         kHeaderBytes + (nonzero - padding.begin()),
                                                         ": behind the header: expected zeros"));
}

}  // namespace trackway::layouts
