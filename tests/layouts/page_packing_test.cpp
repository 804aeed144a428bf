#include "layouts/page_packing.h"

#include "base/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <vector>

using namespace trackway;
using namespace trackway::layouts;

namespace {

struct Packed {
    std::vector<std::uint32_t> order;
    std::vector<std::uint32_t> degrees;
    PagePacking packing;
};

Packed pack(std::uint32_t count, std::uint32_t vector_bytes, std::uint32_t max_degree,
            bool full_degrees) {
    base::Random random(count);
    Packed packed;
    packed.order = base::random_permutation(count, random);
    for (std::uint32_t v = 0; v < count; ++v)
        packed.degrees.push_back(
            full_degrees ? max_degree : static_cast<std::uint32_t>(random.below(max_degree + 1)));
    const RecordShape shape{vector_bytes, max_degree, count, count};
    const auto page_size = smallest_page_size(shape);
    REQUIRE(page_size);
    packed.packing =
        pack_pages(shape, packed.degrees, *page_size, [&](const PageGeometry& geometry) {
            return cut_pages(packed.order, packed.degrees, geometry);
        });
    return packed;
}

}  // namespace

TEST_SUITE("layouts") {
    TEST_CASE("every vertex gets one place, pages are never overfull, ids are wide enough") {
        for (const std::uint32_t count : {1U, 2U, 15U, 16U, 17U, 1000U, 5000U}) {
            for (const std::uint32_t vector_bytes : {1U, 128U, 900U, 3072U, 9000U}) {
                CAPTURE(count);
                CAPTURE(vector_bytes);
                const Packed p = pack(count, vector_bytes, 64, false);
                const PageGeometry& geometry = p.packing.geometry;
                std::set<std::uint32_t> places;
                for (const LocalId place : p.packing.place)
                    places.insert(static_cast<std::uint32_t>(place));
                CHECK(places.size() == count);
                CHECK(*places.rbegin() < geometry.place_count());
                CHECK(geometry.place_count() <= geometry.edges.place_limit());
                REQUIRE(p.packing.groups.page_count() == geometry.page_count);
                for (std::uint32_t page = 0; page < geometry.page_count; ++page) {
                    std::uint64_t edge_bits = 0;
                    std::uint32_t slots = 0;
                    for (const std::uint32_t vertex : p.packing.groups.page(page)) {
                        edge_bits += geometry.edges.bits(p.degrees[vertex]);
                        CHECK(p.packing.place[vertex] == geometry.place(PageId{page}, slots++));
                    }
                    CHECK(fits(geometry, slots, edge_bits));
                    CHECK(slots <= geometry.vertices_per_page);
                }
            }
        }
    }

    TEST_CASE("uint8 128-d with full degree 64 packs at least 16 vertices into 4 KiB") {
        const Packed p = pack(100000, 128, 64, true);
        CHECK(p.packing.geometry.page_size_bytes == 4096);
        CHECK(p.packing.geometry.vertices_per_page >= 16);
        CHECK(p.packing.geometry.page_count <= 100000 / 16 + 1);
    }

    TEST_CASE("the page size is the smallest that holds a full vertex, or an error says why not") {
        CHECK(*smallest_page_size({128, 64, 1000, 1000}) == 4096);
        CHECK(*smallest_page_size({3840, 64, 1000, 1000}) == 4096);
        CHECK(*smallest_page_size({4096, 64, 1000, 1000}) == 8192);
        CHECK(check_page_size({128, 64, 1000, 1000}, 16384));
        const auto small = check_page_size({8000, 64, 1000, 1000}, 4096);
        REQUIRE_FALSE(small);
        CHECK(small.error().message.find("does not fit a page of 4096 bytes") != std::string::npos);
        CHECK_FALSE(smallest_page_size({65536, 64, 1000, 1000}));
    }
}
