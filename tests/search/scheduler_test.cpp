#include "search/scheduler.h"

#include "support/built_index.h"
#include "support/list_source.h"
#include "support/searched_graph.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace trackway;
using test::ListSource;
using test::ReadFault;

namespace {

test::BuiltIndex& shared_index() {
    static test::BuiltIndex index;
    if (index.report.vectors == 0) {
        build_into(index, test::random_vectors(1500, 12, ElementType::kFloat32, 1),
                   [&](BuildOptions&) { write_workload(index, 64); });
    }
    return index;
}

}  // namespace

TEST_SUITE("search") {
    TEST_CASE("many queries over a reader that shuffles give the answers of one at a time") {
        const auto opened = test::open_graph(shared_index().path());
        const auto queries = test::random_vectors(40, 12, ElementType::kFloat32, 2);
        const beam::BeamParams params{.k = 5, .search_list_size = 20, .beam_width = 4};
        ListSource expected(queries.view, params);
        serve(opened, expected, 0, 1);
        for (std::uint64_t seed = 1; seed <= 50; ++seed) {
            CAPTURE(seed);
            ListSource source(queries.view, params);
            serve(opened, source, seed, 7);
            REQUIRE(source.finished == 40);
            for (const Status& status : source.statuses)
                REQUIRE(status);
            REQUIRE(test::is_same(source.found, expected.found));
        }
    }

    TEST_CASE(
        "beams adapt: many queries read as few pages as width 1, one alone waits less often") {
        const auto opened = test::open_graph(shared_index().path());
        const auto queries = test::random_vectors(64, 12, ElementType::kFloat32, 4);
        const auto cost = [&](std::uint32_t beam_width, std::uint32_t in_flight) {
            ListSource source(queries.view,
                              {.k = 5, .search_list_size = 20, .beam_width = beam_width});
            serve(opened, source, 9, in_flight);
            struct Cost {
                std::uint64_t pages = 0;
                std::uint64_t hops = 0;
            } sum;
            for (const SearchStats& stats : source.stats) {
                sum.pages += stats.pages_read;
                sum.hops += stats.hops;
                CHECK(stats.bytes_read ==
                      std::uint64_t{stats.pages_read - stats.pages_joined} * 4096);
            }
            return sum;
        };
        const auto narrow = cost(1, 1);
        const auto wide = cost(4, 1);
        const auto alone = cost(0, 1);
        CHECK(alone.pages == wide.pages);
        CHECK(alone.hops == wide.hops);
        CHECK(alone.hops < 0.6 * static_cast<double>(narrow.hops));
        const auto many = cost(0, 16);
        CHECK(static_cast<double>(many.pages) < 1.1 * static_cast<double>(narrow.pages));
        CHECK(many.pages < wide.pages);
    }

    TEST_CASE("queries at the same place join each other's reads and find the same") {
        const auto opened = test::open_graph(shared_index().path());
        const auto one = test::random_vectors(1, 12, ElementType::kFloat32, 5);
        std::vector<std::byte> rows;
        for (int i = 0; i < 40; ++i)
            rows.insert(rows.end(), one.bytes.begin(), one.bytes.end());
        const MatrixView queries{rows.data(), ElementType::kFloat32, 40, 12};
        ListSource source(queries, {.k = 5, .search_list_size = 20, .beam_width = 2});
        serve(opened, source, 3, 8);
        std::uint64_t joined = 0;
        for (std::size_t q = 0; q < 40; ++q) {
            REQUIRE(source.statuses[q]);
            joined += source.stats[q].pages_joined;
            for (std::size_t i = 0; i < 5; ++i)
                CHECK(source.found[q * 5 + i].id == source.found[i].id);
        }
        CHECK(joined > 40);
    }

    TEST_CASE("every fault of a page ends just the queries that need it, with an error") {
        const auto opened = test::open_graph(shared_index().path());
        const auto queries = test::random_vectors(30, 12, ElementType::kFloat32, 3);
        const beam::BeamParams params{.k = 5, .search_list_size = 20, .beam_width = 2};
        ListSource expected(queries.view, params);
        serve(opened, expected, 0, 1);
        const auto& geometry = opened.graph->geometry();
        std::size_t failed = 0;
        std::size_t answered = 0;
        for (const ReadFault fault : {ReadFault::kError, ReadFault::kShort, ReadFault::kFlippedBit,
                                      ReadFault::kWrongPage, ReadFault::kZeros}) {
            for (std::uint32_t page = 0; page < geometry.page_count; page += 3) {
                CAPTURE(page);
                ListSource source(queries.view, params);
                serve(opened, source, page, 8, [&](const io::PageRead& read, base::Random&) {
                    const bool is_it = read.offset == geometry.offset_of(PageId{page});
                    return is_it ? fault : ReadFault::kNone;
                });
                REQUIRE(source.finished == 30);
                for (std::size_t q = 0; q < 30; ++q) {
                    failed += !source.statuses[q];
                    answered += source.statuses[q].has_value();
                    if (!source.statuses[q]) {
                        const std::string& message = source.statuses[q].error().message;
                        REQUIRE(message.find(".pages: offset ") != std::string::npos);
                        continue;
                    }
                    for (std::size_t i = 0; i < 5; ++i)
                        REQUIRE(source.found[q * 5 + i].id == expected.found[q * 5 + i].id);
                }
            }
        }
        CHECK(failed > 100);
        CHECK(answered > 100);
    }
}
