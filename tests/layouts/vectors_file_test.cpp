#include "layouts/vectors_file.h"

#include "io/file.h"
#include "support/temp_folder.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace trackway;
using namespace trackway::layouts;

namespace {

// 11 places on pages of 4096 bytes with rows of 1000 bytes: 4 to a page, 3 pages.
Manifest manifest() {
    Manifest m;
    m.uuid = {9, 8, 7, 6, 5, 4, 3, 2, 1};
    m.dimension = 250;
    m.element_type = ElementType::kFloat32;
    m.encoding = VectorEncoding::kSq8;
    return m;
}

GraphDescription shard() {
    GraphDescription s;
    s.geometry.page_size_bytes = 4096;
    s.geometry.vertices_per_page = 11;
    s.geometry.page_count = 1;
    return s;
}

std::filesystem::path write(const test::TempFolder& folder) {
    auto file = create_vectors_file(folder / "vectors", manifest(), shard());
    REQUIRE(file);
    const VectorsGeometry geometry = vectors_geometry(manifest(), shard());
    for (std::uint32_t page = 0; page < geometry.page_count; ++page) {
        std::vector<std::byte> bytes(4096);
        const auto rows = rows_on_page(geometry, bytes);
        for (std::size_t i = 0; i < geometry.slots_of(PageId{page}) * 1000; ++i)
            rows[i] = static_cast<std::byte>(page * 4 + i / 1000);
        seal_vectors_page(geometry, PageId{page}, bytes);
        REQUIRE(file->append(bytes));
    }
    REQUIRE(file->publish());
    return folder / "vectors";
}

std::string message_of(const std::filesystem::path& path) {
    const auto file = VectorsFile::open(path, manifest(), shard());
    if (!file) return file.error().message;
    const Status status = verify_vectors(*file);
    return status ? "" : status.error().message;
}

}  // namespace

TEST_SUITE("layouts") {
    TEST_CASE("exact vectors come back by place") {
        const test::TempFolder folder;
        const auto file = VectorsFile::open(write(folder), manifest(), shard());
        REQUIRE(file);
        const VectorsGeometry& geometry = file->geometry;
        CHECK(geometry.rows_per_page == 4);
        CHECK(geometry.page_count == 3);
        CHECK(geometry.slots_of(PageId{2}) == 3);
        CHECK(geometry.page_of(9) == PageId{2});
        CHECK(geometry.slot_of(9) == 1);
        std::uint32_t place = 0;
        REQUIRE(for_each_vectors_page(*file, [&](PageId page, const std::byte* rows) {
            for (std::uint32_t slot = 0; slot < geometry.slots_of(page); ++slot)
                CHECK(rows[slot * 1000 + 999] == static_cast<std::byte>(place++));
        }));
        CHECK(place == 11);
    }

    TEST_CASE("every flipped bit of exact vectors is found") {
        const test::TempFolder folder;
        const auto path = write(folder);
        const auto good = *io::read_file(path, 1 << 20);
        for (std::size_t byte = 0; byte < good.size(); byte += byte < 4096 ? 1 : 13) {
            CAPTURE(byte);
            auto bad = good;
            bad[byte] ^= std::byte{1} << (byte % 8);
            REQUIRE(io::write_file(path, bad));
            REQUIRE(message_of(path).find(path.string()) == 0);
        }
    }

    TEST_CASE("exact vectors of another size, shape or place are refused") {
        const test::TempFolder folder;
        const auto path = write(folder);
        const auto good = *io::read_file(path, 1 << 20);
        REQUIRE(io::write_file(path, std::span(good).first(good.size() - 4096)));
        CHECK(message_of(path).find("expected 16384 bytes for 3 pages, found 12288") !=
              std::string::npos);
        auto swapped = good;
        std::swap_ranges(swapped.begin() + 4096, swapped.begin() + 8192, swapped.begin() + 8192);
        REQUIRE(io::write_file(path, swapped));
        CHECK(message_of(path).find("offset 4096: page 0: page id") != std::string::npos);
        REQUIRE(io::write_file(path, good));
        Manifest other = manifest();
        other.element_type = ElementType::kFloat16;
        const auto opened = VectorsFile::open(path, other, shard());
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == ErrorCode::kCorruption);
        other.element_type = ElementType::kFloat32;
        other.dimension = 1024;
        CHECK_FALSE(VectorsFile::open(path, other, shard()));
    }

    TEST_CASE("pages of vertices and of exact vectors have different seeds") {
        const VectorsGeometry geometry = vectors_geometry(manifest(), shard());
        CHECK(geometry.seed != page_seed(manifest().uuid));
        std::vector<std::byte> bytes(4096);
        VectorsGeometry as_vertices = geometry;
        as_vertices.seed = page_seed(manifest().uuid);
        seal_vectors_page(as_vertices, PageId{0}, bytes);
        CHECK_FALSE(open_vectors_page(geometry, PageId{0}, bytes));
        seal_vectors_page(geometry, PageId{0}, bytes);
        CHECK(open_vectors_page(geometry, PageId{0}, bytes));
    }
}
