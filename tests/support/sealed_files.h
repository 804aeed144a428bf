// Copies of indexes whose files are edited, with checksums made right again: what a reader then
// says, it says of the contents.
#pragma once

#include "base/assert.h"
#include "base/checksum.h"
#include "io/file.h"
#include "layouts/file_names.h"
#include "layouts/format.h"
#include "layouts/json_fields.h"
#include "support/temp_folder.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trackway::test {

using Bytes = std::vector<std::byte>;

// name: of a folder of tests, with an index in it.
inline std::filesystem::path copy_index(const TempFolder& folder, std::string_view name) {
    namespace fs = std::filesystem;
    fs::copy(fs::path(TRACKWAY_TESTS) / name, folder / "index", fs::copy_options::recursive);
    return folder / "index";
}

inline Bytes bytes_of(const std::filesystem::path& path) {
    auto bytes = io::read_file(path, UINT64_MAX);
    TRACKWAY_ASSERT(bytes.has_value());
    return std::move(*bytes);
}

inline void save(const std::filesystem::path& path, std::span<const std::byte> bytes) {
    std::ofstream file(path, std::ios::binary);
    const void* raw = bytes.data();
    file.write(static_cast<const char*>(raw), static_cast<std::streamsize>(bytes.size()));
}

inline std::string text_of(const std::filesystem::path& path) {
    const Bytes bytes = bytes_of(path);
    std::string text(bytes.size(), '\0');
    std::memcpy(text.data(), bytes.data(), bytes.size());
    return text;
}

// The manifest of this text with other fields, in the exact form that its checksum asks for. The
// patch is a JSON merge patch: {"vectors": 7, "tables": null}. Empty when it is no object.
inline std::string patched_manifest(const std::string& text, std::string_view patch) {
    const auto fields = layouts::Json::parse(patch, nullptr, false);
    if (!fields.is_object()) return {};
    auto body = layouts::Json::parse(text);
    body.erase("checksum");
    body.merge_patch(fields);
    return layouts::sealed_text(body);
}

inline void put_checksum(std::span<std::byte> where, std::uint64_t checksum) {
    std::memcpy(where.data(), &checksum, sizeof checksum);
}

inline void seal_header(Bytes& bytes) {
    if (bytes.size() < layouts::kHeaderBytes) return;
    const auto header = std::span(bytes).first(layouts::kHeaderBytes);
    put_checksum(header.subspan(8), base::checksum64(header.subspan(16)));
}

// Pages of 4096 bytes.
inline void seal_pages(Bytes& bytes, std::uint64_t seed) {
    constexpr std::size_t kPage = 4096;
    for (std::size_t at = kPage; at + kPage <= bytes.size(); at += kPage) {
        const auto page = std::span(bytes).subspan(at, kPage);
        put_checksum(page, base::checksum64(page.subspan(8), seed));
    }
}

// Of one chunk, as small tables have.
inline void seal_table(Bytes& bytes, const layouts::Uuid& uuid) {
    if (bytes.size() < layouts::kHeaderBytes + 8) return;
    const auto all = std::span(bytes);
    const std::size_t rows = bytes.size() - layouts::kHeaderBytes - 8;
    if (rows > layouts::kChunkBytes) return;
    const auto list = all.last(8);
    put_checksum(list, base::checksum64(all.subspan(layouts::kHeaderBytes, rows),
                                        layouts::chunk_seed(uuid, 0)));
    layouts::TableHeader header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    header.chunks_checksum = base::checksum64(list);
    std::memcpy(bytes.data(), &header, sizeof header);
    seal_header(bytes);
}

}  // namespace trackway::test
