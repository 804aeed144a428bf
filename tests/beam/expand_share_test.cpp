#include "beam/beam_search.h"
#include "support/built_index.h"
#include "support/driven_search.h"
#include "support/true_nearest.h"

#include <doctest/doctest.h>

#include <set>
#include <vector>

using namespace trackway;
using beam::BeamSearch;

namespace {

using Places = std::set<std::uint32_t>;

test::BuiltIndex& shared_index() {
    static test::BuiltIndex index;
    if (index.report.vectors == 0) {
        build_into(index, test::random_vectors(2000, 16, ElementType::kUint8, 1),
                   [&](BuildOptions&) { write_workload(index, 64); });
    }
    return index;
}

Places vertices_on(const test::SearchedGraph& opened, PageId page) {
    Places places;
    for (std::uint32_t slot = 0; slot < test::page_view(opened, page).slot_count(); ++slot)
        places.insert(static_cast<std::uint32_t>(opened.graph->geometry().place(page, slot)));
    return places;
}

void add_neighbors(const test::SearchedGraph& opened, std::uint32_t place, Places& places) {
    const layouts::PageGeometry& geometry = opened.graph->geometry();
    const auto view = test::page_view(opened, geometry.page_of(LocalId{place}));
    std::vector<std::uint32_t> neighbors(geometry.max_degree);
    view.neighbors(geometry.slot_of(LocalId{place}), neighbors.data());
    places.insert(neighbors.begin(),
                  neighbors.begin() + view.degree(geometry.slot_of(LocalId{place})));
}

// Those in the search list that do not lie on the page.
Places listed_off(const BeamSearch& search, const Places& page) {
    Places places;
    for (const graph::Candidate& candidate : search.frontier())
        if (!page.contains(candidate.vertex)) places.insert(candidate.vertex);
    return places;
}

struct Totals {
    std::size_t hits = 0;
    std::uint32_t pages = 0;
    std::uint32_t estimates = 0;
};

Totals totals(const test::SearchedGraph& opened, const beam::BeamParams& params) {
    const MatrixView base = shared_index().vectors.view;
    const auto queries = test::random_vectors(100, 16, ElementType::kUint8, 2);
    const beam::GraphView view = opened.graph->view();
    BeamSearch search(view);
    Totals sums;
    for (std::uint64_t q = 0; q < 100; ++q) {
        REQUIRE(search.start(queries.view.row(q), params));
        test::run(search, opened);
        const auto nearest = test::true_nearest(base, queries.view.row(q), Metric::kL2, 10);
        for (const graph::Candidate& found : search.found())
            sums.hits += found.distance <= nearest.back().distance;
        sums.pages += search.counts().pages;
        sums.estimates += search.counts().estimates;
    }
    return sums;
}

}  // namespace

TEST_SUITE("beam") {
    TEST_CASE("a share of one expands every vertex of the page that arrives, none just the one") {
        const auto opened = test::open_graph(shared_index().path());
        const auto queries = test::random_vectors(30, 16, ElementType::kUint8, 3);
        const beam::GraphView view = opened.graph->view();
        BeamSearch search(view);
        for (std::uint64_t q = 0; q < 30; ++q) {
            for (const float share : {0.0F, 1.0F}) {
                CAPTURE(share);
                // A list that drops nothing shows all that was met along edges.
                std::vector<std::uint32_t> visits;
                REQUIRE(search.start(
                    queries.view.row(q),
                    {.k = 10, .search_list_size = 2000, .beam_width = 1, .expand_share = share},
                    &visits));
                REQUIRE(visits.size() == 1);
                const PageId page = search.wanted().front();
                const Places mates = vertices_on(opened, page);
                REQUIRE(mates.contains(visits[0]));
                Places expected = listed_off(search, mates);
                REQUIRE(search.absorb(page, test::page_bytes(opened, page)));
                // What was expanded since without another read came along with the page.
                Places expanded(visits.begin(), visits.end());
                if (!search.done()) expanded.erase(visits.back());
                if (share == 1) expanded.insert(mates.begin(), mates.end());
                for (const std::uint32_t place : expanded)
                    add_neighbors(opened, place, expected);
                for (const std::uint32_t mate : mates)
                    expected.erase(mate);
                CHECK(listed_off(search, mates) == expected);
                if (share == 1) CHECK(visits.size() <= 2);  // nothing resident is left to choose
            }
        }
    }

    // A list that fills sooner ends the search sooner: a few in a thousand may be missed.
    TEST_CASE("expanding more of a page finds as much from no more pages") {
        const auto opened = test::open_graph(shared_index().path());
        for (const std::uint32_t list : {10U, 20U, 60U}) {
            for (const std::uint32_t width : {1U, 4U}) {
                CAPTURE(list);
                CAPTURE(width);
                Totals before;
                for (const float share : {0.0F, 0.3F, 1.0F}) {
                    CAPTURE(share);
                    const Totals now = totals(opened, {.k = 10,
                                                       .search_list_size = list,
                                                       .beam_width = width,
                                                       .expand_share = share});
                    CHECK(now.hits + 15 >= before.hits);
                    if (before.pages != 0) CHECK(now.pages * 20 <= before.pages * 21);
                    CHECK(now.estimates > before.estimates);
                    before = now;
                }
            }
        }
    }

    TEST_CASE("a share is of the vertices on the page, rounded") {
        const auto opened = test::open_graph(shared_index().path());
        const auto& geometry = opened.graph->geometry();
        const auto queries = test::random_vectors(20, 16, ElementType::kUint8, 4);
        const beam::GraphView view = opened.graph->view();
        BeamSearch search(view);
        REQUIRE(geometry.vertices_per_page >= 20);
        // Less than half a vertex of the fullest page is none.
        const float little = 0.4F / static_cast<float>(geometry.vertices_per_page);
        for (std::uint64_t q = 0; q < 20; ++q) {
            std::vector<std::uint32_t> estimates;
            for (const float share : {0.0F, little}) {
                REQUIRE(search.start(queries.view.row(q),
                                     {.k = 10, .search_list_size = 30, .expand_share = share}));
                test::run(search, opened);
                estimates.push_back(search.counts().estimates);
            }
            CHECK(estimates[0] == estimates[1]);
        }
    }
}
