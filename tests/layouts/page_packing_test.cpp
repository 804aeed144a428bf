#include "layouts/page_packing.h"

#include "base/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
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

    TEST_CASE("an order that takes many more pages than expected is planned for again") {
        constexpr std::uint32_t kCount = 2000;
        const RecordShape shape{16, 8, kCount, kCount};
        base::Random random(3);
        std::vector<std::uint32_t> degrees;
        for (std::uint32_t v = 0; v < kCount; ++v)
            degrees.push_back(static_cast<std::uint32_t>(random.below(9)));
        for (const std::uint32_t on_a_page : {1U, 2U, 7U}) {
            CAPTURE(on_a_page);
            std::vector<std::uint64_t> limits;
            const auto packing = pack_pages(shape, degrees, 4096, [&](const PageGeometry& g) {
                limits.push_back(g.edges.place_limit());
                PageGroups groups{base::random_permutation(kCount, random), {}};
                for (std::uint32_t at = 0; at < kCount; at += on_a_page)
                    groups.first.push_back(at);
                groups.first.push_back(kCount);
                return groups;
            });
            const PageGeometry& geometry = packing.geometry;
            CHECK(limits.size() >= 2);
            CHECK(std::is_sorted(limits.begin(), limits.end(), std::less_equal<>()));
            CHECK(limits.back() == geometry.edges.place_limit());
            CHECK(geometry.place_count() <= geometry.edges.place_limit());
            CHECK(geometry.page_count == (kCount + on_a_page - 1) / on_a_page);
            std::set<LocalId> places(packing.place.begin(), packing.place.end());
            CHECK(places.size() == kCount);
            for (std::uint32_t page = 0; page < geometry.page_count; ++page) {
                std::uint32_t slot = 0;
                for (const std::uint32_t vertex : packing.groups.page(page))
                    REQUIRE(packing.place[vertex] == geometry.place(PageId{page}, slot++));
            }
        }
    }

    TEST_CASE("an order that keeps to what was planned is asked once") {
        const RecordShape shape{16, 8, 3000, 3000};
        const std::vector<std::uint32_t> degrees(3000, 8);
        int asked = 0;
        const auto packing = pack_pages(shape, degrees, 4096, [&](const PageGeometry& geometry) {
            ++asked;
            base::Random random(1);
            return cut_pages(base::random_permutation(3000, random), degrees, geometry);
        });
        CHECK(asked == 1);
        CHECK(packing.geometry.edges.place_limit() <= packing.geometry.place_count() * 5 / 4);
    }

    TEST_CASE("a page takes back what was removed from it") {
        PageGeometry geometry{.page_size_bytes = 4096,
                              .vector_bytes = 1000,
                              .vertices_per_page = 3,
                              .max_degree = 200,
                              .row_bits = 10,
                              .row_count = 1000,
                              .edges = EdgeCode::elias_fano(1000)};
        PageRoom room(geometry);
        CHECK(room.empty());
        for (int i = 0; i < 3; ++i) {
            CHECK(room.takes(200));
            room.add(200);
        }
        CHECK_FALSE(room.takes(0));  // as many as are reserved for
        room.remove(200);
        CHECK(room.takes(200));
        geometry.vector_bytes = 1270;
        CHECK_FALSE(room.takes(200));  // no room for its edges
        CHECK(room.takes(0));
        room.remove(200);
        room.remove(200);
        CHECK(room.empty());
    }
}
