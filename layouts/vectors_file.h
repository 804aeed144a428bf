// The side file of exact vectors, beside pages whose vectors are encoded: rows by place.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "base/aligned_buffer.h"
#include "base/errors.h"
#include "io/file.h"
#include "layouts/format.h"
#include "layouts/manifest.h"
#include "layouts/shard_file.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace trackway::layouts {

// Place p has its row in slot p % rows_per_page of page p / rows_per_page. Pages are as large as
// those of the shard.
struct VectorsGeometry {
    std::uint32_t page_size_bytes = 0;
    std::uint32_t row_bytes = 0;
    std::uint32_t rows_per_page = 0;
    std::uint32_t page_count = 0;
    std::uint64_t place_count = 0;
    std::uint64_t seed = 0;  // vectors_seed()

    PageId page_of(std::uint32_t place) const noexcept { return PageId{place / rows_per_page}; }
    std::uint32_t slot_of(std::uint32_t place) const noexcept { return place % rows_per_page; }
    std::uint32_t slots_of(PageId page) const noexcept;
    std::uint64_t offset_of(PageId page) const noexcept {
        return (std::uint64_t{static_cast<std::uint32_t>(page)} + 1) * page_size_bytes;
    }
    std::uint64_t file_bytes() const noexcept { return offset_of(PageId{page_count}); }
};

// Tells whether a page holds such a row.
bool holds_row(std::uint32_t page_size_bytes, std::uint64_t row_bytes) noexcept;

// REQUIRES: the shard is the manifest's; holds_row().
VectorsGeometry vectors_geometry(const Manifest& manifest, const GraphDescription& graph);

// The rows of a page whose bytes are in hand: slot after slot, without gaps.
std::span<std::byte> rows_on_page(const VectorsGeometry& geometry, std::span<std::byte> bytes);

// Makes a page of bytes whose rows are filled in: header and checksum.
void seal_vectors_page(const VectorsGeometry& geometry, PageId page, std::span<std::byte> bytes);

// The rows, or kCorruption when checksum, page id or slot count disagrees; the message begins at
// the page ("page 7: ..."), the caller knows the file.
Result<const std::byte*> open_vectors_page(const VectorsGeometry& geometry, PageId page,
                                           std::span<const std::byte> bytes);

// The file under its temporary name, the header written. Pages are appended.
Result<io::StagedFile> create_vectors_file(const std::filesystem::path& path,
                                           const Manifest& manifest, const GraphDescription& graph);

struct VectorsFile {
    io::File file;
    VectorsGeometry geometry;

    // Header and size must be those that manifest and shard call for.
    static Result<VectorsFile> open(const std::filesystem::path& path, const Manifest& manifest,
                                    const GraphDescription& graph);

    // "FILE: offset 32768: what", for errors about a page.
    std::string locate(PageId page, std::string_view what) const;
};

// body(page, rows) for every page in order, verified; the first error ends it.
template <class Body>
Status for_each_vectors_page(const VectorsFile& vectors, const Body& body) {
    constexpr std::uint32_t kReadBytes = 1U << 20U;
    const VectorsGeometry& geometry = vectors.geometry;
    const std::size_t page_size = geometry.page_size_bytes;
    const std::uint32_t step = kReadBytes / geometry.page_size_bytes;
    base::AlignedBuffer buffer(kReadBytes);
    for (std::uint32_t begin = 0; begin < geometry.page_count; begin += step) {
        const std::uint32_t count = std::min(step, geometry.page_count - begin);
        TRACKWAY_TRY(vectors.file.read_exact(geometry.offset_of(PageId{begin}),
                                             buffer.span().first(count * page_size)));
        for (std::uint32_t i = 0; i < count; ++i) {
            const PageId page{begin + i};
            const auto rows =
                open_vectors_page(geometry, page, buffer.span().subspan(i * page_size, page_size));
            if (!rows) {
                return base::fail(rows.error().code, vectors.locate(page, rows.error().message));
            }
            body(page, *rows);
        }
    }
    return {};
}

// Every page and the zeros behind the header.
Status verify_vectors(const VectorsFile& vectors);

}  // namespace trackway::layouts
