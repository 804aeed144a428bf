// Seals and checks the header that every binary file of an index begins with.
#pragma once

#include "trackway/result.h"

#include "io/file.h"
#include "layouts/format.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace trackway::layouts {

// What a file must say of itself.
struct FileIdentity {
    std::uint64_t magic = 0;
    Uuid uuid{};
    std::uint32_t shard_id = 0;
};

// Fills in FileStart, the checksum last. header is the whole header, kHeaderBytes long.
void seal_header(std::span<std::byte> header, const FileIdentity& identity);

// Magic, checksum, version, uuid and shard, in this order, each with its own message.
Status check_header(const io::File& file, std::span<const std::byte> header,
                    const FileIdentity& identity);

// A number in a file and what it must be.
struct ExpectedField {
    const char* name;
    std::uint64_t expected, found;
};
// kCorruption names the first that differs: "WHERE: rows: expected 4 by the manifest, found 5".
Status check_fields(const std::filesystem::path& where, std::span<const ExpectedField> fields,
                    const char* by);
// Of a header: "FILE: header: rows: expected 4, found 5".
Status check_fields(const io::File& file, std::span<const ExpectedField> fields);

// Of a header.
Status check_reserved(const io::File& file, std::span<const std::uint8_t> bytes);

// The zeros between the header and the first page. kCorruption names the first that is none.
Status check_padding(const io::File& file, std::uint32_t page_size_bytes);

}  // namespace trackway::layouts
