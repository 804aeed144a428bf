#include "trackway/builder.h"
#include "trackway/index.h"

#include "layouts/graph_tables.h"
#include "layouts/trace_file.h"
#include "layouts/verify_graph.h"
#include "support/built_index.h"
#include "support/driven_search.h"
#include "support/expect.h"
#include "support/file_bytes.h"
#include "support/folder_contents.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <vector>

using namespace trackway;
namespace fs = std::filesystem;

namespace {

constexpr PageOrder kOrders[] = {PageOrder::kInsertion, PageOrder::kBreadthFirst,
                                 PageOrder::kCovisit, PageOrder::kAffinity};

// What a shard holds of one dataset row, wherever it lies.
struct Held {
    std::vector<std::byte> vector;
    std::vector<std::uint32_t> neighbors;  // rows, sorted
    std::vector<std::uint8_t> code;
    bool operator==(const Held&) const = default;
};

std::vector<Held> held_by_row(const test::SearchedGraph& opened) {
    const auto& geometry = opened.graph->geometry();
    const auto rows = test::row_at_place(opened);
    const auto codes = opened.graph->view().codes;
    std::vector<Held> held(opened.graph->files.description().vertex_count);
    for (std::uint32_t place = 0; place < rows.size(); ++place) {
        if (rows[place] == UINT32_MAX) continue;
        const auto view = test::page_view(opened, geometry.page_of(LocalId{place}));
        const std::uint32_t slot = geometry.slot_of(LocalId{place});
        Held& one = held[rows[place]];
        const std::byte* vector = view.vectors() + std::size_t{slot} * geometry.vector_bytes;
        one.vector.assign(vector, vector + geometry.vector_bytes);
        one.neighbors.resize(view.degree(slot));
        view.neighbors(slot, one.neighbors.data());
        for (std::uint32_t& neighbor : one.neighbors)
            neighbor = rows[neighbor];
        std::sort(one.neighbors.begin(), one.neighbors.end());
        const std::uint8_t* code = codes.values + std::size_t{place} * codes.code_bytes;
        one.code.assign(code, code + codes.code_bytes);
    }
    return held;
}

std::uint32_t entry_row(const test::SearchedGraph& opened) {
    return test::row_at_place(
        opened)[static_cast<std::uint32_t>(opened.graph->files.description().entry_point)];
}

void build_small(test::BuiltIndex& index, PageOrder order, std::uint64_t rows = 600) {
    build_into(index, test::random_vectors(rows, 10, ElementType::kFloat32, 1),
               [&](BuildOptions& options) {
                   write_workload(index, 60);
                   options.layout.page_order = order;
               });
}

RelayoutOptions by_workload(const test::BuiltIndex& index) {
    return {.index_dir = index.path(), .workload = index.options.workload, .thread_count = 2};
}

std::vector<Neighbor> answers(const fs::path& index_dir, std::uint32_t list,
                              std::vector<SearchStats>* stats = nullptr) {
    const auto queries = test::random_vectors(20, 10, ElementType::kFloat32, 5);
    const auto index = test::expect_value(Index::open(index_dir, {.thread_count = 1}));
    std::vector<Neighbor> out(200);
    std::vector<SearchStats> costs(20);
    test::expect_ok(index.search(queries.view, {.k = 10, .search_list_size = list}, out, costs));
    if (stats != nullptr) *stats = costs;
    return out;
}

bool same(const std::vector<Neighbor>& a, const std::vector<Neighbor>& b) {
    return std::ranges::equal(a, b, [](const Neighbor& x, const Neighbor& y) {
        return x.id == y.id && x.distance == y.distance;
    });
}

}  // namespace

TEST_SUITE("build") {
    TEST_CASE("reordering keeps vectors, edges, codes and the entry point, in every page order") {
        test::BuiltIndex index;
        build_small(index, PageOrder::kInsertion);
        const auto before = test::open_graph(index.path());
        const auto held = held_by_row(before);
        const auto found = answers(index.path(), 600);
        for (const PageOrder order : kOrders) {
            CAPTURE(name_of(order));
            RelayoutOptions options = by_workload(index);
            options.page_order = order;
            const auto report = test::expect_value(relayout(options));
            CHECK(report.layout.order == order);
            CHECK(report.vectors == 600);
            CHECK(report.layout.queries_traced == 60);
            CHECK_FALSE(report.layout.from_vectors);
            const auto after = test::open_graph(index.path());
            CHECK(layouts::verify_graph(after.graph->files));
            CHECK(after.graph->files.description().page_order == order);
            CHECK(held_by_row(after) == held);
            CHECK(entry_row(after) == entry_row(before));
            CHECK(same(answers(index.path(), 600), found));  // a list that holds all
            CHECK(test::names_in(index.path()).size() == 6);
        }
    }

    TEST_CASE("reordering by the workload of the build gives the pages of the build") {
        for (const PageOrder order : kOrders) {
            CAPTURE(name_of(order));
            test::BuiltIndex built, other;
            build_small(built, order);
            build_small(other, PageOrder::kInsertion);
            RelayoutOptions options = by_workload(other);
            options.page_order = order;
            test::expect_value(relayout(options));
            const auto a = test::open_graph(built.path());
            const auto b = test::open_graph(other.path());
            CHECK(test::row_at_place(a) == test::row_at_place(b));
            CHECK(std::ranges::equal(a.graph->hot_order(), b.graph->hot_order()));
            CHECK(std::ranges::equal(a.graph->navigation_rows.span(),
                                     b.graph->navigation_rows.span()));
            const auto of_built = test::expect_value(layouts::read_manifest(built.path()));
            auto of_other = test::expect_value(layouts::read_manifest(other.path()));
            CHECK(of_other.uuid != of_built.uuid);
            of_other.uuid = of_built.uuid;
            CHECK(of_other == of_built);
        }
    }

    TEST_CASE("reordering gives the same bytes for any number of threads") {
        std::vector<test::Contents> bytes;
        for (const std::uint32_t threads : {1U, 2U, 4U}) {
            test::BuiltIndex index;
            build_small(index, PageOrder::kBreadthFirst, 400);
            RelayoutOptions options = by_workload(index);
            options.thread_count = threads;
            options.keep_trace = true;
            test::expect_value(relayout(options));
            bytes.push_back(test::contents(index.path()));
        }
        CHECK(bytes[0] == bytes[1]);
        CHECK(bytes[0] == bytes[2]);
    }

    TEST_CASE("the trace stays in the index where it is asked to") {
        test::BuiltIndex index;
        build_small(index, PageOrder::kAffinity, 300);
        RelayoutOptions options = by_workload(index);
        options.keep_trace = true;
        test::expect_value(relayout(options));
        const auto manifest = test::expect_value(layouts::read_manifest(index.path()));
        REQUIRE(manifest.tables.covisit_edges > 0);
        const auto opened = test::open_graph(index.path());
        const auto table = test::expect_value(layouts::read_table(
            index.path() /
                layouts::shard_file_name(manifest.uuid, 0, layouts::ShardPart::kCovisits),
            manifest.uuid,
            layouts::table_shape(layouts::ShardPart::kCovisits, manifest,
                                 opened.graph->files.description())));
        const auto rows = test::row_at_place(opened);
        std::set<std::uint32_t> visited;
        for (std::size_t at = 0; at < table.size(); at += sizeof(layouts::CovisitRow)) {
            layouts::CovisitRow row{};
            std::memcpy(&row, table.data() + at, sizeof row);
            REQUIRE(row.place < rows.size());
            REQUIRE(row.other < rows.size());
            CHECK(rows[row.place] != UINT32_MAX);
            CHECK(rows[row.other] != UINT32_MAX);
            CHECK(row.weight > 0);
            if (row.place == row.other) CHECK(visited.insert(row.place).second);
            CHECK(visited.contains(row.place));  // its strength comes first
        }
        options.keep_trace = false;
        test::expect_value(relayout(options));
        for (const std::string& name : test::names_in(index.path()))
            CHECK(name.find("covisits") == std::string::npos);
    }

    TEST_CASE("what cannot be reordered is refused, and the index stays as it was") {
        test::BuiltIndex index;
        build_small(index, PageOrder::kBreadthFirst, 300);
        const auto before = test::contents(index.path());
        const auto expect = [&](const RelayoutOptions& options, ErrorCode code, const char* part) {
            test::expect_error(relayout(options), code, {part});
            CHECK(test::contents(index.path()) == before);
        };
        const RelayoutOptions good = by_workload(index);
        RelayoutOptions options = good;
        options.workload.clear();
        expect(options, ErrorCode::kInvalidArgument, "either a workload or a trace");
        options = good;
        options.trace = index.folder / "some.trace";
        expect(options, ErrorCode::kInvalidArgument, "either a workload or a trace");
        options = good;
        options.memory_budget_bytes = 1000;
        expect(options, ErrorCode::kOutOfMemory, "memory budget");
        options = good;
        options.workload = index.folder / "none.npy";
        expect(options, ErrorCode::kNotFound, "none.npy");
        options = good;
        options.index_dir = index.folder / "none";
        expect(options, ErrorCode::kNotFound, "no index here");
        CHECK_FALSE(fs::exists(index.folder / "none"));
        test::write_vectors(index.folder / "wrong.npy",
                            test::random_vectors(5, 9, ElementType::kFloat32, 1));
        options = good;
        options.workload = index.folder / "wrong.npy";
        expect(options, ErrorCode::kInvalidArgument, "workload: expected float32 of dimension 10");
    }

    TEST_CASE("reordering that is stopped leaves the index as it was") {
        test::BuiltIndex index;
        build_small(index, PageOrder::kBreadthFirst, 300);
        const auto before = test::contents(index.path());
        for (const char* stage : {"read", "trace", "order", "calibrate", "write", "verify"}) {
            CAPTURE(stage);
            std::stop_source stop;
            const auto stop_in = [&](std::string_view name, std::uint64_t, std::uint64_t) {
                if (name == stage) stop.request_stop();
            };
            test::expect_error(relayout(by_workload(index), stop_in, stop.get_token()),
                               ErrorCode::kCancelled);
            CHECK(test::contents(index.path()) == before);
        }
    }

    TEST_CASE("an index with a damaged page is not reordered") {
        test::BuiltIndex index;
        build_small(index, PageOrder::kBreadthFirst, 300);
        for (const std::string& name : test::names_in(index.path())) {
            if (!name.ends_with(".pages")) continue;
            auto bytes = test::bytes_of_file(index.path() / name);
            bytes[bytes.size() / 2] ^= std::byte{1};
            test::FileBytes().add_bytes(bytes).save(index.path() / name);
        }
        const auto before = test::contents(index.path());
        test::expect_error(relayout(by_workload(index)), ErrorCode::kCorruption,
                           {".pages: offset ", "checksum"});
        CHECK(test::contents(index.path()) == before);
    }
}
