#include "beam/beam_search.h"
#include "support/driven_search.h"
#include "support/expect.h"
#include "support/small_index.h"
#include "support/true_nearest.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <vector>

using namespace trackway;
using beam::BeamParams;
using beam::BeamSearch;

namespace {

// An opened shard with hot records of every step-th place that has a vertex.
struct HotShard {
    test::SearchedGraph opened = test::open_graph(test::small_index().path());
    std::vector<std::uint32_t> hot;

    explicit HotShard(std::uint32_t step) {
        const auto rows = test::row_at_place(opened);
        for (std::uint32_t place = 0; place < rows.size(); ++place)
            if (rows[place] != UINT32_MAX && rows[place] % step == 0) hot.push_back(place);
        opened.graph->hot = test::hot_records(opened, hot);
    }
    bool is_hot(std::uint32_t place) const {
        return std::binary_search(hot.begin(), hot.end(), place);
    }
};

using Found = std::vector<std::pair<std::uint32_t, float>>;

Found found_by(const BeamSearch& search) {
    Found found;
    for (const graph::Candidate& candidate : search.found())
        found.emplace_back(candidate.vertex, candidate.distance);
    return found;
}

std::size_t in_both(const Found& a, const Found& b) {
    return static_cast<std::size_t>(std::count_if(a.begin(), a.end(), [&](const auto& one) {
        return std::find(b.begin(), b.end(), one) != b.end();
    }));
}

Found nearest(const std::byte* query) {
    Found found;
    for (const graph::Candidate& row :
         test::true_nearest(test::small_index().vectors.view, query, Metric::kL2, 10))
        found.emplace_back(row.vertex, row.distance);
    return found;
}

}  // namespace

TEST_SUITE("beam") {
    TEST_CASE("without page-mates hot records change no answer, only what is read") {
        const auto plain = test::open_graph(test::small_index().path());
        const auto plain_view = plain.graph->view();
        BeamSearch expected(plain_view);
        const auto queries = test::small_queries(30);
        const BeamParams params{.k = 10, .search_list_size = 40, .page_mates = false};
        for (const std::uint32_t step : {1U, 2U, 10U}) {
            CAPTURE(step);
            const HotShard hot(step);
            const auto view = hot.opened.graph->view();
            BeamSearch search(view);
            for (std::uint64_t q = 0; q < 30; ++q) {
                std::vector<std::uint32_t> visits, expected_visits;
                REQUIRE(search.start(queries.view.row(q), params, &visits));
                test::run(search, hot.opened);
                REQUIRE(expected.start(queries.view.row(q), params, &expected_visits));
                test::run(expected, plain);
                CHECK(found_by(search) == found_by(expected));
                CHECK(visits == expected_visits);
                CHECK(search.counts().estimates == expected.counts().estimates);
                const auto resident = static_cast<std::uint32_t>(std::count_if(
                    visits.begin(), visits.end(), [&](auto place) { return hot.is_hot(place); }));
                CHECK(search.counts().expanded_resident == resident);
                CHECK(search.counts().pages == expected.counts().pages - resident);
            }
        }
    }

    TEST_CASE("a search whose vertices are all hot wants no page") {
        const HotShard hot(1);
        const auto view = hot.opened.graph->view();
        BeamSearch search(view);
        const auto queries = test::small_queries(30);
        std::size_t hits = 0;
        for (std::uint64_t q = 0; q < 30; ++q) {
            for (const std::uint32_t width : {1U, 5U}) {
                REQUIRE(search.start(queries.view.row(q),
                                     {.k = 10, .search_list_size = 100, .beam_width = width}));
                REQUIRE(search.done());
                CHECK(search.wanted().empty());
                CHECK(search.counts().pages == 0);
                CHECK(search.counts().hops == 0);
                CHECK(search.counts().expanded_resident > 0);
                REQUIRE(search.found().size() == 10);
                hits += in_both(found_by(search), nearest(queries.view.row(q)));
            }
        }
        CHECK(hits >= 590);
    }

    TEST_CASE("no page is wanted for a vertex that is resident") {
        const HotShard hot(3);
        const auto& geometry = hot.opened.graph->geometry();
        const auto view = hot.opened.graph->view();
        BeamSearch search(view);
        const auto queries = test::small_queries(20);
        std::uint32_t from_memory = 0;
        for (std::uint64_t q = 0; q < 20; ++q) {
            for (const float share : {0.0F, 0.3F}) {
                std::vector<std::uint32_t> visits;
                REQUIRE(search.start(queries.view.row(q),
                                     {.k = 10, .search_list_size = 40, .expand_share = share},
                                     &visits));
                while (!search.done()) {
                    REQUIRE(search.wanted().size() == 1);
                    const PageId page = search.wanted().front();
                    CHECK_FALSE(hot.is_hot(visits.back()));
                    CHECK(geometry.page_of(LocalId{visits.back()}) == page);
                    REQUIRE(search.absorb(page, test::page_bytes(hot.opened, page)));
                }
                from_memory += search.counts().expanded_resident;
                std::set<std::uint32_t> rows;
                for (const graph::Candidate& found : search.found())
                    rows.insert(found.vertex);
                CHECK(rows.size() == 10);  // none twice, from memory and from a page
            }
        }
        CHECK(from_memory > 100);
    }

    TEST_CASE("with hot records answers are as good and fewer pages are read") {
        const auto plain = test::open_graph(test::small_index().path());
        const auto plain_view = plain.graph->view();
        BeamSearch without(plain_view);
        const auto queries = test::small_queries(100);
        for (const std::uint32_t step : {2U, 8U}) {
            const HotShard hot(step);
            const auto view = hot.opened.graph->view();
            BeamSearch with(view);
            for (const BeamParams& params :
                 {BeamParams{.k = 10, .search_list_size = 20},
                  BeamParams{.k = 10, .search_list_size = 60, .beam_width = 4},
                  BeamParams{.k = 10, .search_list_size = 20, .expand_share = 0.3F}}) {
                CAPTURE(step);
                CAPTURE(params.search_list_size);
                std::size_t hits_with = 0, hits_without = 0;
                std::uint32_t pages_with = 0, pages_without = 0;
                for (std::uint64_t q = 0; q < 100; ++q) {
                    const auto truth = nearest(queries.view.row(q));
                    REQUIRE(with.start(queries.view.row(q), params));
                    test::run(with, hot.opened);
                    REQUIRE(without.start(queries.view.row(q), params));
                    test::run(without, plain);
                    hits_with += in_both(found_by(with), truth);
                    hits_without += in_both(found_by(without), truth);
                    pages_with += with.counts().pages;
                    pages_without += without.counts().pages;
                }
                CHECK(pages_with < pages_without);
                // Pages that are not read bring no page-mates: of 1000.
                CHECK(hits_with + 15 >= hits_without);
            }
        }
    }

    TEST_CASE("a page is used from memory and then from disk, whatever the list and the share") {
        const auto queries = test::small_queries(60);
        for (const std::uint32_t step : {2U, 3U, 5U}) {
            const HotShard hot(step);
            const auto view = hot.opened.graph->view();
            BeamSearch search(view);
            for (const std::uint32_t list : {1U, 2U, 3U, 5U, 20U}) {
                for (const float share : {0.0F, 0.1F, 0.3F, 0.6F, 1.0F}) {
                    for (std::uint64_t q = 0; q < 60; ++q) {
                        std::vector<std::uint32_t> visits;
                        const auto width = static_cast<std::uint32_t>(1 + q % 4);
                        REQUIRE(search.start(queries.view.row(q),
                                             {.k = std::min(list, 5U),
                                              .search_list_size = list,
                                              .beam_width = width,
                                              .expand_share = share},
                                             &visits));
                        test::run(search, hot.opened);
                        REQUIRE(search.found().size() == std::min(list, 5U));
                        REQUIRE(std::set<std::uint32_t>(visits.begin(), visits.end()).size() ==
                                visits.size());
                    }
                }
            }
        }
    }

    TEST_CASE("a hot record whose neighbour is no place ends the search with an error") {
        auto opened = test::open_graph(test::small_index().path());
        const layouts::PageGeometry& geometry = opened.graph->geometry();
        REQUIRE(geometry.edges.place_limit() > geometry.place_count());
        auto records = std::make_unique<beam::HotRecords>(geometry);
        const std::vector<std::uint32_t> beyond = {
            static_cast<std::uint32_t>(geometry.place_count())};
        const std::vector<std::byte> vector(geometry.vector_bytes);
        std::vector<std::byte> bytes(geometry.page_size_bytes);
        for (std::uint32_t page = 0; page < geometry.page_count; ++page) {
            std::vector<std::uint32_t> slots(test::page_view(opened, PageId{page}).slot_count());
            std::iota(slots.begin(), slots.end(), 0U);
            const std::vector<layouts::VertexRecord> vertices(slots.size(),
                                                              {VectorId{0}, vector.data(), beyond});
            layouts::encode_page(geometry, PageId{page}, vertices, bytes);
            const auto view = layouts::PageView::open(geometry, PageId{page}, bytes);
            REQUIRE(view);
            records->add(PageId{page}, *view, slots);
        }
        records->finish();
        opened.graph->hot = std::move(records);
        const auto view = opened.graph->view();
        BeamSearch search(view);
        const auto queries = test::small_queries(1);
        test::expect_error(search.start(queries.view.row(0), {}), ErrorCode::kCorruption,
                           {"offset ", ": neighbour: expected less than "});
    }
}
