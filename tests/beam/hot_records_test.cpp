#include "beam/hot_records.h"

#include "base/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <set>
#include <vector>

using namespace trackway;
using beam::HotPage;
using beam::HotRecords;

namespace {

using Places = std::vector<std::uint32_t>;

// Six pages of 15 vertices, three places on each without one.
struct Shard {
    static constexpr std::uint32_t kSlots = 15;
    layouts::PageGeometry geometry{.page_size_bytes = 4096,
                                   .vector_bytes = 20,
                                   .vertices_per_page = 18,
                                   .page_count = 6,
                                   .max_degree = 40,
                                   .row_bits = 9,
                                   .row_count = 400,
                                   .seed = 5,
                                   .edges = layouts::EdgeCode::elias_fano(110)};
    std::vector<std::byte> vectors;
    std::vector<Places> neighbors;
    std::vector<std::vector<std::byte>> pages;

    Shard() {
        base::Random random(1);
        vectors.resize(std::size_t{geometry.page_count} * kSlots * geometry.vector_bytes);
        for (std::byte& byte : vectors)
            byte = static_cast<std::byte>(random.below(256));
        for (std::uint32_t i = 0; i < geometry.page_count * kSlots; ++i) {
            std::set<std::uint32_t> list;
            for (std::uint64_t n = random.below(geometry.max_degree + 1); n > 0; --n)
                list.insert(static_cast<std::uint32_t>(random.below(geometry.place_count())));
            neighbors.emplace_back(list.begin(), list.end());
        }
        for (std::uint32_t page = 0; page < geometry.page_count; ++page) {
            std::vector<layouts::VertexRecord> records;
            for (std::uint32_t i = page * kSlots; i < (page + 1) * kSlots; ++i)
                records.push_back({VectorId{row_of(i)}, vector_of(i), neighbors[i]});
            pages.emplace_back(geometry.page_size_bytes);
            layouts::encode_page(geometry, PageId{page}, records, pages.back());
        }
    }
    std::uint32_t row_of(std::uint32_t vertex) const { return 399 - vertex; }
    const std::byte* vector_of(std::uint32_t vertex) const {
        return vectors.data() + std::size_t{vertex} * geometry.vector_bytes;
    }
    layouts::PageView view(std::uint32_t page) const {
        const auto view = layouts::PageView::open(geometry, PageId{page}, pages[page]);
        REQUIRE(view);
        return *view;
    }
};

using Slots = std::vector<std::vector<std::uint32_t>>;  // resident, of each page

HotRecords records_of(const Shard& shard, const Slots& slots) {
    HotRecords records(shard.geometry);
    for (std::uint32_t page = 0; page < slots.size(); ++page)
        if (!slots[page].empty()) records.add(PageId{page}, shard.view(page), slots[page]);
    records.finish();
    return records;
}

void check_page(const Shard& shard, const HotPage& page, std::uint32_t number,
                const std::vector<std::uint32_t>& slots) {
    const std::size_t vector_bytes = shard.geometry.vector_bytes;
    REQUIRE(page.count() == slots.size());
    for (std::uint32_t i = 0; i < page.count(); ++i) {
        const std::uint32_t vertex = number * Shard::kSlots + slots[i];
        CHECK(page.slot(i) == slots[i]);
        CHECK(page.row(i) == VectorId{shard.row_of(vertex)});
        CHECK(std::memcmp(page.vectors() + i * vector_bytes, shard.vector_of(vertex),
                          vector_bytes) == 0);
        REQUIRE(page.degree(i) == shard.neighbors[vertex].size());
        Places found(page.degree(i));
        page.neighbors(i, found.data());
        CHECK(found == shard.neighbors[vertex]);
    }
}

// All places of the shard: those resident are found with their page, the others are not.
void check_records(const Shard& shard, const HotRecords& records, const Slots& slots) {
    for (std::uint32_t place = 0; place < shard.geometry.place_count(); ++place) {
        CAPTURE(place);
        const std::uint32_t number = place / shard.geometry.vertices_per_page;
        const std::uint32_t slot = place % shard.geometry.vertices_per_page;
        const bool there = number < slots.size() &&
                           std::binary_search(slots[number].begin(), slots[number].end(), slot);
        HotPage page;
        REQUIRE(records.find(LocalId{place}, page) == there);
        if (there) check_page(shard, page, number, slots[number]);
    }
}

// So many vertices of all pages, drawn at random.
Slots random_slots(const Shard& shard, std::uint32_t count, base::Random& random) {
    Slots slots(shard.geometry.page_count);
    auto vertices = base::random_permutation(shard.geometry.page_count * Shard::kSlots, random);
    vertices.resize(count);
    std::sort(vertices.begin(), vertices.end());
    for (const std::uint32_t vertex : vertices)
        slots[vertex / Shard::kSlots].push_back(vertex % Shard::kSlots);
    return slots;
}

}  // namespace

TEST_SUITE("beam") {
    TEST_CASE("hot records give back what the pages hold of the slots wanted, and no more") {
        const Shard shard;
        base::Random random(2);
        for (const std::uint32_t count : {1U, 2U, 3U, 17U, 45U, 89U, 90U}) {
            CAPTURE(count);
            const Slots slots = random_slots(shard, count, random);
            const HotRecords records = records_of(shard, slots);
            CHECK(records.count() == count);
            check_records(shard, records, slots);
        }
    }

    TEST_CASE("all of a page may be hot, and nothing of the others") {
        const Shard shard;
        for (std::uint32_t page = 0; page < shard.geometry.page_count; ++page) {
            Slots slots(shard.geometry.page_count);
            slots[page].resize(Shard::kSlots);
            std::iota(slots[page].begin(), slots[page].end(), 0U);
            const HotRecords records = records_of(shard, slots);
            CHECK(records.count() == Shard::kSlots);
            check_records(shard, records, slots);
        }
    }

    TEST_CASE("where nothing was added nothing is found") {
        const Shard shard;
        const HotRecords records = records_of(shard, {});
        CHECK(records.count() == 0);
        check_records(shard, records, {});
    }

    TEST_CASE("many pages with one hot vertex each are told apart") {
        Shard shard;
        shard.geometry.page_count = 5000;
        HotRecords records(shard.geometry);
        const std::vector<std::uint32_t> slots = {3};
        for (std::uint32_t page = 0; page < 5000; page += 7)
            records.add(PageId{page}, shard.view(0), slots);
        records.finish();
        CHECK(records.count() == 5000 / 7 + 1);
        for (std::uint32_t page = 0; page < 5000; ++page) {
            HotPage found;
            REQUIRE(records.find(shard.geometry.place(PageId{page}, 3), found) == (page % 7 == 0));
            REQUIRE_FALSE(records.find(shard.geometry.place(PageId{page}, 4), found));
        }
    }

    TEST_CASE("records take at least their vectors and at most what is planned for each") {
        const Shard shard;
        base::Random random(3);
        for (std::uint32_t count = 1; count <= 90; ++count) {
            CAPTURE(count);
            const HotRecords records = records_of(shard, random_slots(shard, count, random));
            CHECK(records.count() == count);
            CHECK(records.bytes() >= std::uint64_t{count} * shard.geometry.vector_bytes);
            // Behind the last list a reader may look.
            CHECK(records.bytes() <=
                  count * HotRecords::record_bytes(shard.geometry) + base::kBitReadSlack);
        }
    }
}
