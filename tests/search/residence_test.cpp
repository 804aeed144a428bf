#include "search/residence.h"

#include "trackway/index.h"

#include "graph/exact_scan.h"
#include "layouts/table_file.h"
#include "support/built_index.h"
#include "support/driven_search.h"
#include "support/expect.h"
#include "support/file_bytes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace trackway;
using search::load_residence;
using search::plan_residence;
namespace fs = std::filesystem;

namespace {

void build_small(test::BuiltIndex& index) {
    build_into(index, test::random_vectors(2000, 12, ElementType::kFloat32, 1),
               [&](BuildOptions&) { write_workload(index, 250); });
}

test::BuiltIndex& shared_index() {
    static test::BuiltIndex index;
    if (index.report.vectors == 0) build_small(index);
    return index;
}

std::uint32_t wanted(const search::OpenedGraph& shard, const OpenOptions& options) {
    const auto plan = test::expect_value(plan_residence(shard, options));
    CHECK_FALSE(plan.edges);
    return plan.hot_vertices;
}

// Every vertex of hot_order()[0, count) is resident, and no other.
void check_resident(const test::SearchedGraph& opened, std::uint32_t count) {
    const search::OpenedGraph& shard = *opened.graph;
    REQUIRE(shard.hot);
    CHECK(shard.hot->count() == count);
    const auto places = shard.hot_order().first(count);
    const std::set<std::uint32_t> hot(places.begin(), places.end());
    for (std::uint32_t place = 0; place < shard.geometry().place_count(); ++place) {
        beam::HotPage page;
        REQUIRE(shard.hot->find(LocalId{place}, page) == hot.contains(place));
        if (!hot.contains(place)) continue;
        const PageId number = shard.geometry().page_of(LocalId{place});
        const auto view = test::page_view(opened, number);
        for (std::uint32_t i = 0; i < page.count(); ++i) {
            const std::uint32_t slot = page.slot(i);
            REQUIRE(hot.contains(static_cast<std::uint32_t>(shard.geometry().place(number, slot))));
            CHECK(page.row(i) == view.row(slot));
        }
    }
}

fs::path file_of(const test::BuiltIndex& index, const std::string& ending) {
    for (const std::string& name : test::names_in(index.path()))
        if (name.ends_with(ending)) return index.path() / name;
    return {};
}

std::vector<Neighbor> answers(const Index& index, std::vector<SearchStats>& stats) {
    const auto queries = test::random_vectors(50, 12, ElementType::kFloat32, 99);
    std::vector<Neighbor> out(500);
    stats.resize(50);
    test::expect_ok(index.search(queries.view, {.k = 10, .search_list_size = 100}, out, stats));
    return out;
}

}  // namespace

TEST_SUITE("search") {
    TEST_CASE("as many vertices are hot as were asked for, or as there are") {
        const auto opened = test::open_graph(shared_index().path());
        const auto listed = static_cast<std::uint32_t>(opened.graph->hot_order().size());
        REQUIRE(listed > 100);
        CHECK(wanted(*opened.graph, {.cache_vertices = 0}) == 0);
        CHECK(wanted(*opened.graph, {.cache_vertices = 7}) == 7);
        CHECK(wanted(*opened.graph, {.cache_vertices = listed}) == listed);
        CHECK(wanted(*opened.graph, {.cache_vertices = listed + 1}) == listed);
        CHECK(wanted(*opened.graph, {.cache_vertices = UINT64_MAX}) == listed);
        // A budget must hold them.
        CHECK(wanted(*opened.graph, {.memory_budget_bytes = 1U << 30U, .cache_vertices = 7}) == 7);
        test::expect_error(
            plan_residence(*opened.graph, {.memory_budget_bytes = 1, .cache_vertices = 7}),
            ErrorCode::kOutOfMemory, {"memory budget: 7 hot vertices, codes and navigation need"});
    }

    TEST_CASE("a memory budget holds the tables, then as many records as fit") {
        const auto opened = test::open_graph(shared_index().path());
        const search::OpenedGraph& shard = *opened.graph;
        const std::uint64_t tables = shard.table_bytes();
        const std::uint64_t each = beam::HotRecords::record_bytes(shard.geometry());
        test::expect_error(plan_residence(shard, {.memory_budget_bytes = tables - 1}),
                           ErrorCode::kOutOfMemory,
                           {"memory budget", std::to_string(tables), std::to_string(tables - 1)});
        CHECK(wanted(shard, {.memory_budget_bytes = tables}) == 0);
        CHECK(wanted(shard, {.memory_budget_bytes = tables + each - 1}) == 0);
        CHECK(wanted(shard, {.memory_budget_bytes = tables + each}) == 1);
        CHECK(wanted(shard, {.memory_budget_bytes = tables + 20 * each + 1}) == 20);
        // By default a twentieth of the pages.
        const std::uint64_t share = shard.files.bytes() / 20;
        CHECK(wanted(shard, {}) == std::min<std::uint64_t>(share / each, shard.hot_order().size()));
    }

    TEST_CASE("the records of the first hot vertices are loaded, within their budget") {
        const auto listed = static_cast<std::uint32_t>(
            test::open_graph(shared_index().path()).graph->hot_order().size());
        for (const IoEngine engine : {IoEngine::kAuto, IoEngine::kPread}) {
            for (const std::uint32_t count : {1U, 2U, 70U, 200U, listed}) {
                CAPTURE(count);
                const auto opened = test::open_graph(shared_index().path());
                test::expect_value(load_residence(*opened.graph, {.hot_vertices = count}, engine));
                check_resident(opened, count);
                const std::uint64_t each = beam::HotRecords::record_bytes(opened.graph->geometry());
                // Behind the last list a reader may look.
                CHECK(opened.graph->hot->bytes() <= count * each + base::kBitReadSlack);
            }
        }
        const auto none = test::open_graph(shared_index().path());
        test::expect_value(load_residence(*none.graph, {.hot_vertices = 0}, IoEngine::kAuto));
        CHECK_FALSE(none.graph->hot);
    }

    TEST_CASE("edges of all vertices are resident where that spares most") {
        const auto opened = test::open_graph(shared_index().path());
        search::OpenedGraph& shard = *opened.graph;
        const std::uint64_t edges = 100000;
        shard.curve_with_edges.edge_bytes = edges;
        shard.curve.hot = {{0, 20}, {100, 18}, {400, 12}};
        shard.curve_with_edges.hot = {{0, 13}, {100, 11}, {400, 7}};
        const std::uint64_t tables = shard.table_bytes();
        const auto plan = [&](std::uint64_t room) {
            return test::expect_value(
                plan_residence(shard, {.memory_budget_bytes = tables + room}));
        };
        CHECK_FALSE(plan(edges - 1).edges);
        const std::uint64_t each = beam::HotRecords::record_bytes(shard.geometry());
        const auto much = plan(edges + 400 * each);
        CHECK(much.edges);
        CHECK(much.hot_vertices == 400);
        CHECK(much.pages_with_tables == 20);
        CHECK(much.pages_with_edges == 13);
        CHECK(much.pages_with_all == 7);
        // Where records save more in the same room, there are no edges.
        shard.curve.hot = {{0, 20}, {100, 5}};
        REQUIRE(edges > 100 * each);
        CHECK_FALSE(plan(edges).edges);
        CHECK(plan(edges).hot_vertices >= 100);
        CHECK(plan(edges).pages_with_all == 5);
        shard.curve.hot = {{0, 20}, {100, 18}};
        // A number of hot vertices that was asked for is all there is.
        const auto asked = test::expect_value(
            plan_residence(shard, {.memory_budget_bytes = UINT64_MAX, .cache_vertices = 50}));
        CHECK_FALSE(asked.edges);
        CHECK(asked.pages_with_all == doctest::Approx(19));
        CHECK(asked.hot_share == doctest::Approx(0.5));
    }

    TEST_CASE("resident edges are those of the pages, and searches with them find the same") {
        const auto opened = test::open_graph(shared_index().path());
        search::OpenedGraph& shard = *opened.graph;
        test::expect_value(load_residence(shard, {.edges = true}, IoEngine::kAuto));
        REQUIRE(shard.edges);
        CHECK(shard.edges->count() == 2000);
        const auto& geometry = shard.geometry();
        CHECK(shard.edges->bytes() == shard.curve_with_edges.edge_bytes);
        const auto rows = test::row_at_place(opened);
        std::vector<std::uint32_t> resident(geometry.max_degree);
        std::vector<std::uint32_t> expected(geometry.max_degree);
        for (std::uint32_t place = 0; place < rows.size(); ++place) {
            REQUIRE(shard.edges->has(LocalId{place}) == (rows[place] != UINT32_MAX));
            if (rows[place] == UINT32_MAX) continue;
            const PageId page = geometry.page_of(LocalId{place});
            const std::uint32_t slot = geometry.slot_of(LocalId{place});
            const auto view = test::page_view(opened, page);
            view.neighbors(slot, expected.data());
            REQUIRE(shard.edges->neighbors(LocalId{place}, resident.data()) == view.degree(slot));
            REQUIRE(std::equal(resident.begin(), resident.begin() + view.degree(slot),
                               expected.begin()));
        }
    }

    TEST_CASE("edges that take more than the manifest says fail the loading") {
        const auto opened = test::open_graph(shared_index().path());
        opened.graph->curve_with_edges.edge_bytes -= 1;
        test::expect_error(load_residence(*opened.graph, {.edges = true}, IoEngine::kAuto),
                           ErrorCode::kCorruption, {".pages: resident edges: expected"});
        CHECK_FALSE(opened.graph->edges);
    }

    TEST_CASE("an open index says what is resident and expands it without a read") {
        const auto& path = shared_index().path();
        const Index cold = test::expect_value(Index::open(path, {.cache_vertices = 0}));
        const Index warm = test::expect_value(Index::open(path, {.cache_vertices = 300}));
        CHECK(cold.summary().hot_vertices == 0);
        CHECK(cold.summary().bytes_of_hot == 0);
        CHECK(warm.summary().hot_vertices == 300);
        CHECK(warm.summary().bytes_of_hot >= 300 * 12 * sizeof(float));
        CHECK(warm.summary().bytes_of_tables == cold.summary().bytes_of_tables);
        std::vector<SearchStats> cold_stats, warm_stats;
        const auto from_disk = answers(cold, cold_stats);
        const auto from_both = answers(warm, warm_stats);
        std::uint64_t cold_pages = 0, warm_pages = 0, from_cache = 0, shared = 0;
        for (std::size_t q = 0; q < 50; ++q) {
            cold_pages += cold_stats[q].pages_read;
            warm_pages += warm_stats[q].pages_read;
            CHECK(cold_stats[q].pages_from_cache == 0);
            from_cache += warm_stats[q].pages_from_cache;
            for (std::size_t i = q * 10; i < q * 10 + 10; ++i)
                shared += std::any_of(from_both.begin() + static_cast<std::ptrdiff_t>(q * 10),
                                      from_both.begin() + static_cast<std::ptrdiff_t>(q * 10 + 10),
                                      [&](const Neighbor& n) { return n.id == from_disk[i].id; });
        }
        CHECK(warm_pages < cold_pages);
        CHECK(from_cache > 0);
        CHECK(shared >= 490);
        test::expect_error(Index::open(path, {.memory_budget_bytes = 1}), ErrorCode::kOutOfMemory,
                           {"memory budget"});
    }

    TEST_CASE("a budget that holds the whole graph reads nothing and answers as pages do") {
        const auto& path = shared_index().path();
        const Index cold = test::expect_value(Index::open(path, {.cache_vertices = 0}));
        const std::uint64_t all = cold.summary().bytes_on_disk + cold.summary().bytes_of_tables;
        const Index whole = test::expect_value(Index::open(
            path, {.memory_budget_bytes = all + 2000 * beam::HotRecords::kTableBytesEach}));
        CHECK(whole.summary().hot_vertices == 2000);
        CHECK(whole.summary().bytes_of_edges == 0);
        CHECK(whole.summary().pages_with_all == 0);
        CHECK(whole.summary().bytes_of_hot <= all);
        std::vector<SearchStats> cold_stats, whole_stats;
        const auto from_disk = answers(cold, cold_stats);
        const auto from_memory = answers(whole, whole_stats);
        for (std::size_t i = 0; i < from_disk.size(); ++i) {
            CHECK(from_memory[i].id == from_disk[i].id);
            CHECK(from_memory[i].distance == from_disk[i].distance);
        }
        for (std::size_t q = 0; q < whole_stats.size(); ++q) {
            CHECK(whole_stats[q].pages_read == 0);
            CHECK(whole_stats[q].pages_from_cache > 0);
        }
    }

    TEST_CASE("with everything resident that fits, a search reads less and finds what it aims at") {
        const auto& path = shared_index().path();
        const Index cold = test::expect_value(Index::open(path, {.cache_vertices = 0}));
        const auto opened = test::open_graph(path);
        const std::uint64_t hot_and_edges =
            cold.summary().bytes_of_tables + opened.graph->curve_with_edges.edge_bytes +
            500 * beam::HotRecords::record_bytes(opened.graph->geometry());
        const Index warm =
            test::expect_value(Index::open(path, {.memory_budget_bytes = hot_and_edges}));
        CHECK(warm.summary().bytes_of_edges > 0);
        CHECK(warm.summary().hot_vertices == 500);
        CHECK(warm.summary().pages_with_tables == cold.summary().pages_with_all);
        CHECK(warm.summary().pages_with_edges < warm.summary().pages_with_tables);
        CHECK(warm.summary().pages_with_all < warm.summary().pages_with_edges);
        const auto queries = test::random_vectors(200, 12, ElementType::kFloat32, 98);
        graph::ExactScan scan(queries.view, Metric::kL2, 10);
        scan.add(shared_index().vectors.view, 0, base::Arena(2));
        const auto cost = [&](const Index& index) {
            std::vector<Neighbor> out(2000);
            std::vector<SearchStats> stats(200);
            test::expect_ok(index.search(
                queries.view, {.k = 10, .target_recall = 0.95, .beam_width = 1}, out, stats));
            std::uint64_t pages = 0, found = 0;
            for (std::size_t q = 0; q < 200; ++q) {
                pages += stats[q].pages_read;
                for (std::size_t i = q * 10; i < q * 10 + 10; ++i)
                    found += out[i].distance <= scan.nearest()[q].list().back().distance ? 1 : 0;
            }
            CHECK(static_cast<double>(found) / 2000 > 0.92);
            return pages;
        };
        CHECK(static_cast<double>(cost(warm)) < 0.8 * static_cast<double>(cost(cold)));
    }

    TEST_CASE("a damaged page of a hot vertex is left out, and the index says which") {
        test::BuiltIndex index;
        build_small(index);
        const auto opened = test::open_graph(index.path());
        const auto& geometry = opened.graph->geometry();
        const PageId page = geometry.page_of(LocalId{opened.graph->hot_order()[3]});
        const auto path = file_of(index, ".pages");
        auto bytes = test::bytes_of_file(path);
        bytes[geometry.offset_of(page) + 50] ^= std::byte{1};
        test::FileBytes().add_bytes(bytes).save(path);
        const std::string offset = "offset " + std::to_string(geometry.offset_of(page));
        for (const OpenOptions& options :
             {OpenOptions{.cache_vertices = 4}, OpenOptions{.memory_budget_bytes = 1U << 30U}}) {
            const Index left = test::expect_value(Index::open(index.path(), options));
            CHECK(left.summary().pages_left_out == 1);
            for (const std::string& part :
                 {std::string(".pages: "), offset, std::string("checksum")})
                CHECK(left.summary().left_out_reason.find(part) != std::string::npos);
        }
        const Index cold = test::expect_value(Index::open(index.path(), {.cache_vertices = 0}));
        CHECK(cold.summary().pages_left_out == 0);
        const auto cut = test::open_graph(index.path());
        fs::resize_file(path, geometry.offset_of(page));
        const auto left =
            test::expect_value(load_residence(*cut.graph, {.hot_vertices = 4}, IoEngine::kPread));
        CHECK(left.pages >= 1);
        CHECK(left.first.find("bytes, found 0") != std::string::npos);
    }

    TEST_CASE("queries that need a damaged page fail alone, each with its error") {
        test::BuiltIndex index;
        build_small(index);
        const auto opened = test::open_graph(index.path());
        const auto& geometry = opened.graph->geometry();
        const auto path = file_of(index, ".pages");
        const auto queries = test::random_vectors(60, index.vectors.view.dimension,
                                                  index.vectors.view.element_type, 5);
        const SearchParams params{.k = 5, .search_list_size = 20, .beam_width = 1};
        std::vector<Neighbor> right(60 * params.k);
        const Index whole = test::expect_value(Index::open(index.path(), {.cache_vertices = 0}));
        test::expect_ok(whole.search(queries.view, params, right));
        auto bytes = test::bytes_of_file(path);
        const PageId page = geometry.page_of(LocalId{opened.graph->hot_order()[0]});
        bytes[geometry.offset_of(page) + 50] ^= std::byte{1};
        test::FileBytes().add_bytes(bytes).save(path);
        const Index broken = test::expect_value(Index::open(index.path(), {.cache_vertices = 0}));
        std::vector<Neighbor> found(right.size());
        std::vector<Status> statuses(60);
        test::expect_ok(broken.search(queries.view, params, found, {}, statuses));
        std::size_t failed = 0;
        for (std::size_t q = 0; q < statuses.size(); ++q) {
            for (std::size_t i = q * params.k; i < (q + 1) * params.k; ++i)
                CHECK(found[i].id == (statuses[q] ? right[i].id : kNoVector));
            failed += statuses[q] ? 0 : 1;
            if (!statuses[q])
                CHECK(statuses[q].error().message.find("checksum") != std::string::npos);
        }
        CHECK(failed > 0);
        CHECK(failed < 60);
        test::expect_error(broken.search(queries.view, params, found), ErrorCode::kCorruption,
                           {"checksum"});
        test::expect_error(
            broken.search(queries.view, params, found, {}, std::span(statuses).first(3)),
            ErrorCode::kInvalidArgument, {"statuses: expected none or 60"});
    }

    TEST_CASE("an index that was moved from, no rows and too little room are errors") {
        test::BuiltIndex index;
        build_small(index);
        Index first = test::expect_value(Index::open(index.path()));
        const Index second = std::move(first);
        const auto queries = test::random_vectors(3, index.vectors.view.dimension,
                                                  index.vectors.view.element_type, 5);
        std::vector<Neighbor> out(30);
        // NOLINTNEXTLINE(bugprone-use-after-move)
        test::expect_error(first.search(queries.view, {}, out), ErrorCode::kInvalidArgument,
                           {"moved from"});
        CHECK(first.summary().vectors == 0);
        CHECK(first.thread_count() == 0);
        test::expect_error(second.search(queries.view, {}, std::span(out).first(29)),
                           ErrorCode::kInvalidArgument, {"out: expected 30", "found room for 29"});
        std::vector<SearchStats> stats(2);
        test::expect_error(second.search(queries.view, {}, out, stats), ErrorCode::kInvalidArgument,
                           {"stats: expected none or 3"});
        MatrixView nothing = queries.view;
        nothing.data = nullptr;
        test::expect_error(second.search(nothing, {}, out), ErrorCode::kInvalidArgument,
                           {"queries: expected 3 rows"});
    }

    TEST_CASE("a hot place without a vertex is left out") {
        test::BuiltIndex index;
        build_small(index);
        const auto manifest = test::expect_value(layouts::read_manifest(index.path()));
        const auto opened = test::open_graph(index.path());
        const auto rows = test::row_at_place(opened);
        const auto empty = std::find(rows.begin(), rows.end(), UINT32_MAX) - rows.begin();
        REQUIRE(empty < static_cast<std::ptrdiff_t>(rows.size()));
        const auto order = opened.graph->hot_order();
        std::vector<std::uint32_t> places(order.begin(), order.end());
        places[0] = static_cast<std::uint32_t>(empty);
        auto table = layouts::write_table(file_of(index, ".hot"), manifest.uuid,
                                          {layouts::TableKind::kHot, 4, places.size()},
                                          std::as_bytes(std::span(places)));
        REQUIRE(table);
        test::expect_ok(table->publish());
        const Index left = test::expect_value(Index::open(index.path(), {.cache_vertices = 1}));
        CHECK(left.summary().pages_left_out == 1);
        CHECK(left.summary().left_out_reason.find("expected a hot vertex") != std::string::npos);
    }
}
