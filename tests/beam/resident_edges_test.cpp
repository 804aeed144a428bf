#include "beam/resident_edges.h"

#include "beam/beam_search.h"
#include "beam/residence_loader.h"
#include "support/driven_search.h"
#include "support/expect.h"
#include "support/small_index.h"
#include "support/true_nearest.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

using namespace trackway;
using beam::BeamParams;
using beam::BeamSearch;
using beam::ResidentEdges;

namespace {

test::SearchedGraph open_with_edges() {
    auto opened = test::open_graph(test::small_index().path());
    beam::ResidenceLoader loader(opened.graph->geometry(), {.all_edges = true});
    for (const PageId page : loader.pages())
        test::expect_ok(loader.absorb(test::page_bytes(opened, page)));
    opened.graph->edges = loader.take().edges;
    return opened;
}

std::set<std::uint32_t> nearest(const std::byte* query) {
    std::set<std::uint32_t> rows;
    for (const graph::Candidate& row :
         test::true_nearest(test::small_index().vectors.view, query, Metric::kL2, 10))
        rows.insert(row.vertex);
    return rows;
}

struct Cost {
    std::uint32_t hits = 0;
    std::uint32_t pages = 0;
    std::uint32_t hops = 0;
};

Cost cost_of(const test::SearchedGraph& opened, const BeamParams& params) {
    const auto view = opened.graph->view();
    BeamSearch search(view);
    const auto queries = test::small_queries(100);
    Cost cost;
    for (std::uint64_t q = 0; q < queries.view.row_count; ++q) {
        test::expect_ok(search.start(queries.view.row(q), params));
        std::set<PageId> wanted;
        while (!search.done()) {
            const std::vector<PageId> pages(search.wanted().begin(), search.wanted().end());
            CHECK(pages.size() <= params.beam_width);
            for (const PageId page : pages) {
                CHECK(wanted.insert(page).second);  // at most once
                test::expect_ok(search.absorb(page, test::page_bytes(opened, page)));
            }
        }
        CHECK(search.found().size() == params.k);
        CHECK(wanted.size() == search.counts().pages);
        const auto truth = nearest(queries.view.row(q));
        for (const graph::Candidate& found : search.found().first(std::min(params.k, 10U)))
            cost.hits += truth.contains(found.vertex) ? 1 : 0;
        cost.pages += search.counts().pages;
        cost.hops += search.counts().hops;
    }
    return cost;
}

}  // namespace

TEST_SUITE("resident_edges") {
    TEST_CASE("lists come back, of the vertices that have one") {
        ResidentEdges edges(1000);
        std::vector<std::vector<std::uint32_t>> lists(1000);
        base::Random random(3);
        for (std::uint32_t place = 0; place < 1000; ++place) {
            if (random.below(3) == 0) continue;
            std::set<std::uint32_t> neighbors;
            for (std::uint64_t i = random.below(200); i > 0; --i)
                neighbors.insert(static_cast<std::uint32_t>(random.below(1000)));
            lists[place].assign(neighbors.begin(), neighbors.end());
            edges.add(LocalId{place}, lists[place]);
        }
        edges.finish();
        std::vector<std::uint32_t> out(kMaxDegree);
        std::uint64_t present = 0;
        std::vector<std::uint32_t> degrees;
        for (std::uint32_t place = 0; place < 1000; ++place) {
            if (!edges.has(LocalId{place})) {
                CHECK(lists[place].empty());
                continue;
            }
            ++present;
            degrees.push_back(static_cast<std::uint32_t>(lists[place].size()));
            REQUIRE(edges.neighbors(LocalId{place}, out.data()) == lists[place].size());
            CHECK(std::equal(lists[place].begin(), lists[place].end(), out.begin()));
        }
        CHECK(edges.count() == present);
        CHECK(edges.bytes() == ResidentEdges::bytes_for(1000, degrees));
    }

    TEST_CASE("searches with resident edges find as much and read less") {
        const auto plain = test::open_graph(test::small_index().path());
        const auto resident = open_with_edges();
        for (const std::uint32_t width : {1U, 4U}) {
            CAPTURE(width);
            BeamParams params{.k = 10, .search_list_size = 40, .beam_width = width};
            const Cost without = cost_of(plain, params);
            const Cost with = cost_of(resident, params);
            // Pages that are not read for their edges bring no page-mates: of 1000.
            CHECK(with.hits + 15 >= without.hits);
            params.stop_margin = 1;
            const Cost bounded_without = cost_of(plain, params);
            const Cost bounded_with = cost_of(resident, params);
            CHECK(bounded_with.hits + 15 >= bounded_without.hits);
            CHECK(bounded_with.pages < bounded_without.pages);
        }
        const Cost narrow = cost_of(resident, {.k = 10, .search_list_size = 40, .stop_margin = 1});
        const Cost wide =
            cost_of(resident, {.k = 10, .search_list_size = 40, .beam_width = 8, .stop_margin = 1});
        CHECK(wide.hops * 2 < narrow.hops);
    }

    TEST_CASE("any list, margin and limit gives as many neighbours as were asked for") {
        const auto resident = open_with_edges();
        for (const std::uint32_t list : {1U, 2U, 5U, 30U}) {
            for (const float margin : {-20.0F, -2.0F, 0.0F, 3.0F}) {
                CAPTURE(list);
                CAPTURE(margin);
                const std::uint32_t k = std::min(list, 5U);
                cost_of(resident,
                        {.k = k, .search_list_size = list, .beam_width = 3, .stop_margin = margin});
                cost_of(resident, {.k = k,
                                   .search_list_size = list,
                                   .beam_width = 2,
                                   .page_limit = k,
                                   .expand_share = 0.3F,
                                   .stop_margin = margin});
            }
        }
    }

    TEST_CASE("neighbours that are no places fail the loading, and the page is named") {
        auto opened = test::open_graph(test::small_index().path());
        const layouts::PageGeometry& geometry = opened.graph->geometry();
        beam::ResidenceLoader loader(geometry, {.all_edges = true});
        std::vector<std::byte> page(test::page_bytes(opened, PageId{0}).begin(),
                                    test::page_bytes(opened, PageId{0}).end());
        page[200] ^= std::byte{1};
        test::expect_error(loader.absorb(page), ErrorCode::kCorruption,
                           {"offset 4096: page 0: checksum"});
    }
}
