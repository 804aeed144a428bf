#include "beam/beam_search.h"

#include "support/built_index.h"
#include "support/driven_search.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <vector>

using namespace trackway;
using beam::BeamParams;
using beam::BeamSearch;
using test::page_bytes;
using test::run;

namespace {

// One index for all cases of this file: building it is what costs.
test::BuiltIndex& shared_index() {
    static test::BuiltIndex index;
    if (index.report.vectors == 0) {
        build_into(index, test::random_vectors(2000, 16, ElementType::kUint8, 1),
                   [&](BuildOptions&) { write_workload(index, 64); });
    }
    return index;
}

std::vector<std::uint32_t> rows_of(const BeamSearch& search) {
    std::vector<std::uint32_t> rows;
    for (const graph::Candidate& found : search.found())
        rows.push_back(found.vertex);
    return rows;
}

}  // namespace

TEST_SUITE("beam") {
    TEST_CASE("a beam search finds what comparing with every vector finds") {
        const auto opened = test::open_graph(shared_index().path());
        const MatrixView base = shared_index().vectors.view;
        const auto queries = test::random_vectors(50, 16, ElementType::kUint8, 2);
        const auto measure = distance::distance_function(Metric::kL2, ElementType::kUint8);
        const beam::GraphView view = opened.graph->view();
        BeamSearch search(view);
        std::size_t hits = 0;
        for (std::uint64_t q = 0; q < 50; ++q) {
            REQUIRE(search.start(queries.view.row(q), {.k = 10, .search_list_size = 100}));
            run(search, opened);
            std::vector<float> all(base.row_count);
            measure(queries.view.row(q), {base.data, 16, nullptr, all.size()}, 16, all.data());
            std::vector<float> nearest = all;
            std::nth_element(nearest.begin(), nearest.begin() + 9, nearest.end());
            REQUIRE(search.found().size() == 10);
            for (const graph::Candidate& found : search.found()) {
                CHECK(found.distance == all[found.vertex]);
                hits += found.distance <= nearest[9];
            }
            const auto rows = rows_of(search);
            CHECK(std::set<std::uint32_t>(rows.begin(), rows.end()).size() == 10);
        }
        CHECK(hits >= 490);
    }

    TEST_CASE("answers do not depend on the order in which the pages of a hop arrive") {
        const auto opened = test::open_graph(shared_index().path());
        const auto queries = test::random_vectors(5, 16, ElementType::kUint8, 3);
        const beam::GraphView view = opened.graph->view();
        BeamSearch search(view);
        for (std::uint64_t q = 0; q < 5; ++q) {
            const BeamParams params{.k = 10, .search_list_size = 30, .beam_width = 6};
            REQUIRE(search.start(queries.view.row(q), params));
            run(search, opened);
            const auto expected = rows_of(search);
            const auto pages = search.counts().pages;
            for (std::uint64_t seed = 0; seed < 200; ++seed) {
                CAPTURE(seed);
                base::Random random(seed);
                REQUIRE(search.start(queries.view.row(q), params));
                run(search, opened, &random);
                REQUIRE(rows_of(search) == expected);
                REQUIRE(search.counts().pages == pages);
            }
        }
    }

    TEST_CASE("no page is wanted twice and the page limit holds") {
        const auto opened = test::open_graph(shared_index().path());
        const auto queries = test::random_vectors(20, 16, ElementType::kUint8, 4);
        const beam::GraphView view = opened.graph->view();
        BeamSearch search(view);
        for (std::uint64_t q = 0; q < 20; ++q) {
            const std::uint32_t limit = q % 2 == 0 ? 0 : 10;
            REQUIRE(search.start(
                queries.view.row(q),
                {.k = 10, .search_list_size = 60, .beam_width = 4, .page_limit = limit}));
            std::set<PageId> wanted;
            while (!search.done()) {
                const std::vector<PageId> pages(search.wanted().begin(), search.wanted().end());
                CHECK(pages.size() <= 4);
                for (const PageId page : pages) {
                    REQUIRE(wanted.insert(page).second);
                    REQUIRE(search.absorb(page, page_bytes(opened, page)));
                }
            }
            CHECK(search.counts().pages == wanted.size());
            if (limit != 0) CHECK(wanted.size() <= limit);
            CHECK(search.found().size() == 10);
        }
    }

    TEST_CASE("a list of one leaves the page of the entry point") {
        const auto opened = test::open_graph(shared_index().path());
        const auto queries = test::random_vectors(20, 16, ElementType::kUint8, 6);
        const beam::GraphView view = opened.graph->view();
        BeamSearch search(view);
        std::uint32_t pages = 0;
        for (std::uint64_t q = 0; q < 20; ++q) {
            REQUIRE(search.start(queries.view.row(q), {.k = 1, .search_list_size = 1}));
            run(search, opened);
            pages += search.counts().pages;
        }
        CHECK(pages > 20);
    }

    TEST_CASE(
        "a page with a flipped bit ends the search with an error that names offset and page") {
        const auto opened = test::open_graph(shared_index().path());
        const auto queries = test::random_vectors(1, 16, ElementType::kUint8, 5);
        const beam::GraphView view = opened.graph->view();
        BeamSearch search(view);
        REQUIRE(search.start(queries.view.row(0), {.k = 10, .search_list_size = 20}));
        const PageId page = search.wanted().front();
        const auto good = page_bytes(opened, page);
        std::vector<std::byte> bad(good.begin(), good.end());
        bad[100] ^= std::byte{1};
        const Status status = search.absorb(page, bad);
        REQUIRE_FALSE(status);
        CHECK(status.error().code == ErrorCode::kCorruption);
        CHECK(status.error().message.find("offset ") == 0);
        CHECK(status.error().message.find("checksum") != std::string::npos);
    }
}
