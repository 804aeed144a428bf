// A small index whose files a fuzzer edits, with checksums made right again: no fuzzer finds one.
#pragma once

#include "trackway/builder.h"
#include "trackway/vector_file.h"

#include "base/assert.h"
#include "base/checksum.h"
#include "io/file.h"
#include "layouts/file_names.h"
#include "layouts/format.h"
#include "layouts/manifest.h"
#include "support/random_vectors.h"
#include "support/temp_folder.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <vector>

namespace trackway::fuzz {

using Bytes = std::vector<std::byte>;

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

inline void write_random(const std::filesystem::path& path, std::uint64_t rows,
                         std::uint64_t seed) {
    const test::Vectors vectors = test::random_vectors(rows, 6, ElementType::kFloat32, seed);
    auto file = VectorFileWriter::create(path, ElementType::kFloat32, rows, 6);
    TRACKWAY_ASSERT(file && file->append(vectors.bytes) && file->finish());
}

// With every kind of table, and a side file of exact vectors where encoded; built once.
inline std::filesystem::path build_small(const test::TempFolder& folder, BuildOptions options) {
    write_random(folder / "base.npy", 1200, 1);
    write_random(folder / "workload.npy", 40, 2);
    options.vectors = folder / "base.npy";
    options.workload = folder / "workload.npy";
    options.index_dir = folder / "index";
    options.graph = {.max_degree = 8, .build_list_size = 16};
    options.code_bytes = 6;
    options.code_type = CodeType::kPq;
    options.thread_count = 1;
    options.layout.page_size_bytes = 4096;
    TRACKWAY_ASSERT(build(options).has_value());
    return options.index_dir;
}

// The input: three bytes for each edit, the place and what is put there; the last may cut the file
// short.
inline void edit(Bytes& bytes, std::span<const std::uint8_t> input) {
    for (; input.size() >= 3 && !bytes.empty(); input = input.subspan(3)) {
        // Mostly where the fields are: the first bytes of header, pages and rows.
        const std::size_t at =
            (std::size_t{input[0]} * 16 + std::size_t{input[1]} * 4096) % bytes.size();
        bytes[std::min(at + input[2] % 16, bytes.size() - 1)] =
            static_cast<std::byte>(input[2] / 16 * 17);
    }
    if (input.size() == 2) bytes.resize(bytes.size() * input[0] / 255);
}

inline void put_checksum(std::span<std::byte> where, std::uint64_t checksum) {
    std::memcpy(where.data(), &checksum, sizeof checksum);
}

inline void seal_header(Bytes& bytes) {
    if (bytes.size() < layouts::kHeaderBytes) return;
    const auto header = std::span(bytes).first(layouts::kHeaderBytes);
    put_checksum(header.subspan(8), base::checksum64(header.subspan(16)));
}

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
}

}  // namespace trackway::fuzz
