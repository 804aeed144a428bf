#include "layouts/page.h"

#include "base/checksum.h"
#include "base/random.h"

#include <doctest/doctest.h>

#include <cstring>
#include <set>
#include <string>
#include <vector>

using namespace trackway;
using namespace trackway::layouts;

namespace {

const PageGeometry kGeometry{.page_size_bytes = 4096,
                             .vector_bytes = 24,
                             .vertices_per_page = 20,
                             .page_count = 5,
                             .max_degree = 12,
                             .row_bits = 9,
                             .row_count = 400,
                             .seed = 99,
                             .edges = EdgeCode::elias_fano(100)};

struct Filled {
    std::vector<std::byte> vectors;
    std::vector<std::vector<std::uint32_t>> neighbors;
    std::vector<VertexRecord> records;
    std::vector<std::byte> bytes;
};

Filled fill(std::uint32_t slots, std::uint64_t seed) {
    base::Random random(seed);
    Filled page;
    page.vectors.resize(std::size_t{slots} * kGeometry.vector_bytes);
    for (std::byte& byte : page.vectors)
        byte = static_cast<std::byte>(random.below(256));
    page.neighbors.resize(slots);
    for (std::uint32_t s = 0; s < slots; ++s) {
        std::set<std::uint32_t> neighbors;
        for (std::uint64_t i = random.below(kGeometry.max_degree + 1); i > 0; --i)
            neighbors.insert(static_cast<std::uint32_t>(random.below(100)));
        page.neighbors[s].assign(neighbors.begin(), neighbors.end());
        page.records.push_back({VectorId{random.below(400)},
                                page.vectors.data() + s * kGeometry.vector_bytes,
                                page.neighbors[s]});
    }
    page.bytes.resize(kGeometry.page_size_bytes);
    encode_page(kGeometry, PageId{3}, page.records, page.bytes);
    return page;
}

// Changes a field and makes the checksum right again.
template <class T>
std::string message_after(Filled page, std::size_t offset, T value) {
    std::memcpy(page.bytes.data() + offset, &value, sizeof value);
    const std::uint64_t checksum =
        base::checksum64(std::span(page.bytes).subspan(8), kGeometry.seed);
    std::memcpy(page.bytes.data(), &checksum, sizeof checksum);
    const auto view = PageView::open(kGeometry, PageId{3}, page.bytes);
    return view ? "" : view.error().message;
}

}  // namespace

TEST_SUITE("layouts") {
    TEST_CASE("a page gives back what was written, for any number of slots") {
        for (std::uint32_t slots = 1; slots <= kGeometry.vertices_per_page; ++slots) {
            CAPTURE(slots);
            const Filled page = fill(slots, slots);
            const auto view = PageView::open(kGeometry, PageId{3}, page.bytes);
            REQUIRE(view);
            REQUIRE(view->slot_count() == slots);
            CHECK(std::memcmp(view->vectors(), page.vectors.data(), page.vectors.size()) == 0);
            for (std::uint32_t s = 0; s < slots; ++s) {
                CHECK(view->row(s) == page.records[s].row);
                std::vector<std::uint32_t> found(view->degree(s));
                view->neighbors(s, found.data());
                CHECK(found == page.neighbors[s]);
            }
        }
    }

    TEST_CASE("the bits of a list, copied from whatever bit it begins at, decode to the list") {
        for (std::uint32_t slots = 1; slots <= kGeometry.vertices_per_page; ++slots) {
            const Filled page = fill(slots, 100 + slots);
            const auto view = PageView::open(kGeometry, PageId{3}, page.bytes);
            REQUIRE(view);
            for (std::uint32_t s = 0; s < slots; ++s) {
                CAPTURE(s);
                const std::uint32_t degree = view->degree(s);
                const std::size_t size = base::bytes_of_bits(kGeometry.edges.bits(degree));
                std::vector<std::byte> exact(size, std::byte{0xff});  // not a byte more is written
                view->copy_edge_bits(s, exact.data());
                if (const auto used = kGeometry.edges.bits(degree) % 8; used != 0) {
                    CHECK((std::to_integer<unsigned>(exact.back()) >> used) == 0);
                }
                exact.resize(size + base::kBitReadSlack);
                std::vector<std::uint32_t> found(degree);
                kGeometry.edges.decode(exact.data(), 0, degree, found.data());
                CHECK(found == page.neighbors[s]);
            }
        }
    }

    TEST_CASE("every flipped bit of a page is found") {
        const Filled page = fill(20, 7);
        std::vector<std::byte> bytes = page.bytes;
        for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
            bytes[bit / 8] ^= std::byte{1} << (bit % 8);
            REQUIRE_FALSE(PageView::open(kGeometry, PageId{3}, bytes));
            bytes[bit / 8] ^= std::byte{1} << (bit % 8);
        }
        CHECK(PageView::open(kGeometry, PageId{3}, bytes));
    }

    TEST_CASE("a page at the wrong place and a page of another index are found") {
        const Filled page = fill(5, 1);
        const auto misplaced = PageView::open(kGeometry, PageId{4}, page.bytes);
        REQUIRE_FALSE(misplaced);
        CHECK(misplaced.error().message == "page 4: page id: expected 4, found 3");
        PageGeometry other = kGeometry;
        other.seed = 100;
        const auto foreign = PageView::open(other, PageId{3}, page.bytes);
        REQUIRE_FALSE(foreign);
        CHECK(foreign.error().code == ErrorCode::kCorruption);
    }

    TEST_CASE("a page whose checksum is right but whose contents are not is refused") {
        const Filled page = fill(20, 2);
        const std::size_t slot_count_offset = 12;
        const std::size_t first_degree = 16;
        CHECK(
            message_after(page, slot_count_offset, std::uint16_t{0}).find("slots: expected 1 to") !=
            std::string::npos);
        CHECK(message_after(page, slot_count_offset, std::uint16_t{21}).find("found 21") !=
              std::string::npos);
        CHECK(
            message_after(page, first_degree, std::uint8_t{13}).find("degree: expected at most") !=
            std::string::npos);
        CHECK(message_after(page, first_degree + 20, std::uint16_t{0x1ff}).find("row: expected") !=
              std::string::npos);
        CHECK(message_after(page, slot_count_offset, std::uint16_t{20}).empty());
    }

    TEST_CASE("fits counts records to the byte") {
        // 16 + slots + bits + vectors, the vectors at least 8 bytes.
        PageGeometry geometry = kGeometry;
        geometry.vector_bytes = 4000;
        const std::uint64_t bits = (4096 - 4000 - 16 - 1) * 8 - geometry.row_bits;
        CHECK(fits(geometry, 1, bits));
        CHECK_FALSE(fits(geometry, 1, bits + 1));
        CHECK_FALSE(fits(geometry, 2, 0));
    }
}
