#include "layouts/vectors_file.h"

#include "base/aligned_buffer.h"
#include "base/assert.h"
#include "base/errors.h"
#include "layouts/file_start.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace trackway::layouts {
namespace {

using base::fail;
using base::join;

VectorsHeader header_of(const VectorsGeometry& geometry, const Manifest& manifest) {
    VectorsHeader header{};
    header.page_size_bytes = geometry.page_size_bytes;
    header.page_count = geometry.page_count;
    header.place_count = geometry.place_count;
    header.rows_per_page = geometry.rows_per_page;
    header.dimension = manifest.dimension;
    header.element_type = static_cast<std::uint32_t>(manifest.element_type);
    return header;
}

Status check_header_fields(const io::File& file, const VectorsHeader& wanted,
                           const VectorsHeader& header) {
    const ExpectedField fields[] = {
        {"page size", wanted.page_size_bytes, header.page_size_bytes},
        {"pages", wanted.page_count, header.page_count},
        {"places", wanted.place_count, header.place_count},
        {"rows per page", wanted.rows_per_page, header.rows_per_page},
        {"dimension", wanted.dimension, header.dimension},
        {"element type", wanted.element_type, header.element_type},
    };
    TRACKWAY_TRY(check_fields(file, fields));
    return check_reserved(file, header.reserved);
}

}  // namespace

std::uint32_t VectorsGeometry::slots_of(PageId page) const noexcept {
    const std::uint64_t before = std::uint64_t{static_cast<std::uint32_t>(page)} * rows_per_page;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(rows_per_page, place_count - before));
}

bool holds_row(std::uint32_t page_size_bytes, std::uint64_t row_bytes) noexcept {
    return sizeof(PageHeader) + row_bytes <= page_size_bytes;
}

VectorsGeometry vectors_geometry(const Manifest& manifest, const GraphDescription& graph) {
    const auto row_bytes =
        static_cast<std::uint32_t>(manifest.dimension * element_size_bytes(manifest.element_type));
    const std::uint32_t page_size = graph.geometry.page_size_bytes;
    TRACKWAY_ASSERT(holds_row(page_size, row_bytes));
    const auto rows_per_page =
        static_cast<std::uint32_t>((page_size - sizeof(PageHeader)) / row_bytes);
    const std::uint64_t places = graph.geometry.place_count();
    return {.page_size_bytes = page_size,
            .row_bytes = row_bytes,
            .rows_per_page = rows_per_page,
            .page_count = static_cast<std::uint32_t>((places + rows_per_page - 1) / rows_per_page),
            .place_count = places,
            .seed = vectors_seed(manifest.uuid)};
}

std::span<std::byte> rows_on_page(const VectorsGeometry& geometry, std::span<std::byte> bytes) {
    return bytes.subspan(sizeof(PageHeader),
                         std::size_t{geometry.rows_per_page} * geometry.row_bytes);
}

void seal_vectors_page(const VectorsGeometry& geometry, PageId page, std::span<std::byte> bytes) {
    TRACKWAY_ASSERT(bytes.size() == geometry.page_size_bytes);
    seal_page(page, geometry.slots_of(page), geometry.seed, bytes);
}

Result<const std::byte*> open_vectors_page(const VectorsGeometry& geometry, PageId page,
                                           std::span<const std::byte> bytes) {
    TRACKWAY_ASSERT(bytes.size() == geometry.page_size_bytes);
    TRACKWAY_TRY_ASSIGN(header, open_page(page, geometry.seed, bytes));
    if (header.slot_count != geometry.slots_of(page) || header.reserved != 0) {
        return fail(ErrorCode::kCorruption,
                    join("page ", header.page_id, ": slots: expected ", geometry.slots_of(page),
                         ", found ", header.slot_count, ", reserved ", header.reserved));
    }
    return bytes.data() + sizeof header;
}

Result<io::StagedFile> create_vectors_file(const std::filesystem::path& path,
                                           const Manifest& manifest,
                                           const GraphDescription& graph) {
    const VectorsGeometry geometry = vectors_geometry(manifest, graph);
    const VectorsHeader header = header_of(geometry, manifest);
    std::vector<std::byte> page(geometry.page_size_bytes, std::byte{0});
    std::memcpy(page.data(), &header, sizeof header);
    seal_header(std::span(page).first(kHeaderBytes), {kVectorsMagic, manifest.uuid, kGraphShard});
    TRACKWAY_TRY_ASSIGN(file, io::StagedFile::create(path));
    TRACKWAY_TRY(file.append(page));
    return file;
}

Result<VectorsFile> VectorsFile::open(const std::filesystem::path& path, const Manifest& manifest,
                                      const GraphDescription& graph) {
    const std::uint64_t row_bytes =
        std::uint64_t{manifest.dimension} * element_size_bytes(manifest.element_type);
    if (!holds_row(graph.geometry.page_size_bytes, row_bytes)) {
        return fail(ErrorCode::kCorruption,
                    join(path.string(), ": expected pages that hold a row of ", row_bytes,
                         " bytes, found ", graph.geometry.page_size_bytes));
    }
    TRACKWAY_TRY_ASSIGN(file, io::File::open_direct(path));
    base::AlignedBuffer bytes(kHeaderBytes);
    TRACKWAY_TRY(file.read_exact(0, bytes.span()));
    TRACKWAY_TRY(check_header(file, bytes.span(), {kVectorsMagic, manifest.uuid, kGraphShard}));
    VectorsHeader header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    const VectorsGeometry geometry = vectors_geometry(manifest, graph);
    TRACKWAY_TRY(check_header_fields(file, header_of(geometry, manifest), header));
    if (file.size_bytes() != geometry.file_bytes()) {
        return fail(ErrorCode::kCorruption,
                    join(path.string(), ": expected ", geometry.file_bytes(), " bytes for ",
                         geometry.page_count, " pages, found ", file.size_bytes()));
    }
    return VectorsFile{std::move(file), geometry};
}

std::string VectorsFile::locate(PageId page, std::string_view what) const {
    return join(file.path().string(), ": offset ", geometry.offset_of(page), ": ", what);
}

Status verify_vectors(const VectorsFile& vectors) {
    TRACKWAY_TRY(check_padding(vectors.file, vectors.geometry.page_size_bytes));
    return for_each_vectors_page(vectors, [](PageId, const std::byte*) {});
}

}  // namespace trackway::layouts
