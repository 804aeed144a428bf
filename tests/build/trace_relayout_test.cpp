#include "trackway/builder.h"
#include "trackway/index.h"

#include "layouts/manifest.h"
#include "layouts/trace_file.h"
#include "support/built_index.h"
#include "support/driven_search.h"
#include "support/expect.h"
#include "support/file_bytes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <vector>

using namespace trackway;

namespace {

constexpr std::uint32_t kDimension = 10;

void build_small(test::BuiltIndex& index) {
    build_into(index, test::random_vectors(1000, kDimension, ElementType::kFloat32, 1),
               [&](BuildOptions& options) {
                   write_workload(index, 60);
                   options.layout.page_order = PageOrder::kInsertion;
               });
}

// Queries near a few of the vectors: there is something to learn from them.
test::Vectors skewed_queries(const test::BuiltIndex& index, std::uint64_t count) {
    constexpr std::size_t kSameBytes = (kDimension - 2) * sizeof(float);
    test::Vectors queries = test::random_vectors(count, kDimension, ElementType::kFloat32, 9);
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::byte* near = index.vectors.view.row(i % 27 * 37);
        std::copy(near, near + kSameBytes, queries.bytes.data() + i * queries.view.row_bytes());
    }
    return queries;
}

std::uint64_t pages_read(const Index& index, const test::Vectors& queries) {
    std::vector<Neighbor> out(queries.view.row_count * 10);
    std::vector<SearchStats> stats(queries.view.row_count);
    test::expect_ok(index.search(
        queries.view, {.k = 10, .search_list_size = 20, .expand_share = 0.0F}, out, stats));
    std::uint64_t pages = 0;
    for (const SearchStats& one : stats)
        pages += one.pages_read;
    return pages;
}

Index open_recording(const test::BuiltIndex& index, double share) {
    return test::expect_value(
        Index::open(index.path(), {.thread_count = 2, .cache_vertices = 0, .record_share = share}));
}

// Visits of each query in a trace of the index.
std::vector<std::vector<std::uint32_t>> traced(const test::BuiltIndex& index,
                                               const std::filesystem::path& path) {
    const auto manifest = test::expect_value(layouts::read_manifest(index.path()));
    const auto opened = test::open_graph(index.path());
    const auto numbers = test::expect_value(
        layouts::read_trace(path, manifest.uuid, opened.graph->geometry().place_count()));
    std::vector<std::vector<std::uint32_t>> queries;
    for (std::size_t at = 0; at < numbers.size(); at += numbers[at] + std::size_t{1}) {
        const auto first = numbers.begin() + static_cast<std::ptrdiff_t>(at) + 1;
        queries.emplace_back(first, first + numbers[at]);
    }
    return queries;
}

RelayoutOptions by_trace(const test::BuiltIndex& index, const std::filesystem::path& trace) {
    return {.index_dir = index.path(), .trace = trace, .thread_count = 2};
}

}  // namespace

TEST_SUITE("build") {
    TEST_CASE("an index records what queries visit and is reordered for them") {
        test::BuiltIndex index;
        build_small(index);
        const auto queries = skewed_queries(index, 200);
        const auto path = index.folder / "queries.trace";
        std::uint64_t before = 0;
        {
            const Index recording = open_recording(index, 1);
            before = pages_read(recording, queries);
            test::expect_ok(recording.save_trace(path));
        }
        const auto visits = traced(index, path);
        REQUIRE(visits.size() == 200);
        const auto rows = test::row_at_place(test::open_graph(index.path()));
        for (const auto& query : visits) {
            CHECK(query.size() >= 10);
            CHECK(std::set<std::uint32_t>(query.begin(), query.end()).size() == query.size());
            for (const std::uint32_t place : query)
                REQUIRE(rows[place] != UINT32_MAX);
        }
        const auto share =
            test::expect_value(layouts::read_manifest(index.path())).expand_share_permille;
        const auto report = test::expect_value(relayout(by_trace(index, path)));
        CHECK(report.layout.queries_traced == 200);
        CHECK(report.layout.traced_pages_after < 0.8 * report.layout.traced_pages_before);
        CHECK(test::expect_value(layouts::read_manifest(index.path())).expand_share_permille ==
              share);
        const Index reordered = open_recording(index, 0);
        CHECK(reordered.summary().page_order == PageOrder::kAffinity);
        CHECK(static_cast<double>(pages_read(reordered, queries)) <
              0.8 * static_cast<double>(before));
        // The places of the trace are gone.
        test::expect_error(relayout(by_trace(index, path)), ErrorCode::kCorruption,
                           {"queries.trace", "a file of another index"});
    }

    TEST_CASE("of the queries as large a share is recorded as was asked for") {
        test::BuiltIndex index;
        build_small(index);
        const auto queries = skewed_queries(index, 200);
        const auto path = index.folder / "queries.trace";
        for (const double share : {0.5, 0.25, 0.01}) {
            CAPTURE(share);
            const Index recording = open_recording(index, share);
            pages_read(recording, queries);
            test::expect_ok(recording.save_trace(path));
            CHECK(traced(index, path).size() == static_cast<std::size_t>(200 * share));
            pages_read(recording, queries);  // a trace grows
            test::expect_ok(recording.save_trace(path));
            CHECK(traced(index, path).size() == static_cast<std::size_t>(400 * share));
        }
        const Index silent = open_recording(index, 0);
        pages_read(silent, queries);
        test::expect_error(silent.save_trace(index.folder / "none.trace"),
                           ErrorCode::kInvalidArgument, {"none.trace", "no query was recorded"});
        CHECK_FALSE(std::filesystem::exists(index.folder / "none.trace"));
        for (const double share : {-0.1, 1.1}) {
            test::expect_error(Index::open(index.path(), {.record_share = share}),
                               ErrorCode::kInvalidArgument, {"record share: expected 0 to 1"});
        }
    }

    TEST_CASE("a trace with a place that has no vertex is refused") {
        test::BuiltIndex index;
        build_small(index);
        const auto rows = test::row_at_place(test::open_graph(index.path()));
        const auto empty = std::find(rows.begin(), rows.end(), UINT32_MAX) - rows.begin();
        REQUIRE(empty < static_cast<std::ptrdiff_t>(rows.size()));
        const auto manifest = test::expect_value(layouts::read_manifest(index.path()));
        const auto path = index.folder / "bad.trace";
        const std::vector<std::uint32_t> visits = {1, 0, 2, 0, static_cast<std::uint32_t>(empty)};
        test::expect_ok(layouts::write_trace(path, manifest.uuid, visits));
        test::expect_error(relayout(by_trace(index, path)), ErrorCode::kCorruption,
                           {"bad.trace: query 1: place ", "found an empty place"});
        test::expect_error(relayout(by_trace(index, index.folder / "none.trace")),
                           ErrorCode::kNotFound, {"none.trace"});
        CHECK(test::expect_value(layouts::read_manifest(index.path())) == manifest);
    }

    TEST_CASE("a trace of one query, or of queries that visited nothing, is enough") {
        for (const std::vector<std::uint32_t>& visits :
             {std::vector<std::uint32_t>{2, 0, 1}, std::vector<std::uint32_t>{0, 0}}) {
            test::BuiltIndex index;
            build_small(index);
            const auto manifest = test::expect_value(layouts::read_manifest(index.path()));
            const auto path = index.folder / "little.trace";
            test::expect_ok(layouts::write_trace(path, manifest.uuid, visits));
            test::expect_value(relayout(by_trace(index, path)));
            const Index reordered = open_recording(index, 0);
            CHECK(pages_read(reordered, skewed_queries(index, 20)) > 0);
        }
    }
}
