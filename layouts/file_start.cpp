#include "layouts/file_start.h"

#include "base/assert.h"
#include "base/checksum.h"
#include "base/errors.h"

#include <cstring>
#include <string>

namespace trackway::layouts {
namespace {

constexpr std::size_t kChecksummedFrom = 16;

std::string text_of(const Uuid& uuid) {
    std::uint64_t high = 0;
    for (std::size_t i = 0; i < 8; ++i)
        high = (high << 8U) | uuid[i];
    return base::hex(high);
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

}  // namespace trackway::layouts
