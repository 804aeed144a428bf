#include "trackway/builder.h"
#include "trackway/index.h"

#include "io/file.h"
#include "layouts/graph_files.h"
#include "layouts/verify_graph.h"
#include "support/built_index.h"
#include "support/folder_contents.h"
#include "support/true_nearest.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace trackway;
namespace fs = std::filesystem;

namespace {

test::Vectors vectors_for(Metric metric) {
    return test::random_vectors(
        4000, 12, metric == Metric::kL2 ? ElementType::kUint8 : ElementType::kFloat32, 3);
}

// With 200 queries and more settings are calibrated, which takes longer than the graphs.
void build_sharded(test::BuiltIndex& built, Metric metric, std::uint32_t shards,
                   std::uint32_t threads = 2, std::uint64_t queries = 150) {
    build_into(built, vectors_for(metric), [&](BuildOptions& options) {
        options.metric = metric;
        options.shards.count = shards;
        options.thread_count = threads;
        write_workload(built, queries);
    });
}

double recall_of(const fs::path& path, const test::Vectors& vectors, Metric metric,
                 std::uint32_t list) {
    const auto index = Index::open(path, {.thread_count = 1});
    if (!index) FAIL(index.error().message);
    const auto queries =
        test::random_vectors(100, vectors.view.dimension, vectors.view.element_type, 8);
    std::vector<Neighbor> found(1000);
    REQUIRE(index->search(queries.view, {.k = 10, .search_list_size = list}, found));
    std::uint32_t hits = 0;
    for (std::uint64_t q = 0; q < 100; ++q) {
        for (const auto& t : test::true_nearest(vectors.view, queries.view.row(q), metric, 10)) {
            hits += std::any_of(found.begin() + static_cast<std::ptrdiff_t>(q * 10),
                                found.begin() + static_cast<std::ptrdiff_t>(q * 10 + 10),
                                [&](const Neighbor& n) { return n.id == VectorId{t.vertex}; })
                        ? 1
                        : 0;
        }
    }
    return hits / 1000.0;
}

}  // namespace

TEST_SUITE("build") {
    TEST_CASE("a graph of several shards verifies and finds what one shard finds") {
        for (const Metric metric : {Metric::kL2, Metric::kInnerProduct, Metric::kCosine}) {
            test::BuiltIndex one;
            test::BuiltIndex four;
            build_sharded(one, metric, 1);
            build_sharded(four, metric, 4);
            REQUIRE(four.report.shards.size() == 4);
            std::uint64_t rows = 0;
            for (const ShardReport& shard : four.report.shards) {
                CHECK(shard.vectors <= 1300);
                CHECK(shard.replicas > 0);
                rows += shard.vectors;
            }
            CHECK(rows == 4000);
            const auto manifest = layouts::read_manifest(four.path());
            REQUIRE(manifest);
            const auto files = layouts::GraphFiles::open(four.path(), *manifest);
            REQUIRE(files);
            CHECK(files->shards().size() == 4);
            const auto verified = layouts::verify_graph(*files);
            if (!verified) FAIL(verified.error().message);
            CHECK(verified->vertices == 4000);
            CHECK(recall_of(four.path(), four.vectors, metric, 40) >=
                  recall_of(one.path(), one.vectors, metric, 40) - 0.02);
            CHECK(recall_of(four.path(), four.vectors, metric, 400) >= 0.99);
        }
    }

    TEST_CASE("shards give the same bytes for any number of threads") {
        test::BuiltIndex one;
        test::BuiltIndex three;
        build_sharded(one, Metric::kInnerProduct, 3, 1, 300);
        build_sharded(three, Metric::kInnerProduct, 3, 4, 300);
        CHECK(test::contents(one.path()) == test::contents(three.path()));
    }

    TEST_CASE("a build that is stopped goes on where it was, to the same bytes") {
        test::BuiltIndex whole;
        build_sharded(whole, Metric::kL2, 3);
        BuildOptions options = whole.options;
        options.index_dir = whole.folder / "again";
        for (const char* stage : {"graph", "merge", "codes", "trace", "write"}) {
            CAPTURE(stage);
            test::build_until(stage, options);
            CHECK(fs::exists(options.index_dir / "build.work" / "partition.stage"));
        }
        const auto report = build(options);
        if (!report) FAIL(report.error().message);
        const std::vector<std::string>& resumed = report->stages_resumed;
        CHECK(std::find(resumed.begin(), resumed.end(), "partition") != resumed.end());
        CHECK(std::find(resumed.begin(), resumed.end(), "graph-0002") != resumed.end());
        CHECK(std::find(resumed.begin(), resumed.end(), "codes") != resumed.end());
        CHECK(test::contents(options.index_dir) == test::contents(whole.path()));
    }

    TEST_CASE("a changed option builds anew exactly what depends on it") {
        test::BuiltIndex whole;
        build_sharded(whole, Metric::kL2, 2);
        BuildOptions begun = whole.options;
        begun.index_dir = whole.folder / "begun";
        test::build_until("trace", begun);
        const auto resumed_after = [&](const auto& change) {
            BuildOptions options = whole.options;
            options.index_dir = whole.folder / "changed";
            fs::copy(begun.index_dir, options.index_dir, fs::copy_options::recursive);
            change(options);
            const auto report = build_part(options, {"codes"});
            if (!report) FAIL(report.error().message);
            fs::remove_all(options.index_dir);
            return report->stages_resumed;
        };
        using Names = std::vector<std::string>;
        const Names graphs = {"partition", "graph-0000", "graph-0001", "merge"};
        Names all = graphs;
        all.emplace_back("codes");
        CHECK(resumed_after([](BuildOptions& o) { o.layout.page_size_bytes = 8192; }) == all);
        CHECK(resumed_after([](BuildOptions& o) { o.code_bytes = 4; }) == graphs);
        CHECK(resumed_after([](BuildOptions& o) { o.graph.alpha = 1.3F; }) == Names{"partition"});
        CHECK(resumed_after([](BuildOptions& o) { o.seed = 2; }).empty());
        CHECK(resumed_after([](BuildOptions& o) { o.shards.workload_weight = 5.0; }).empty());
        CHECK(resumed_after([](BuildOptions& o) { o.shards.replica_factor = 1.5; }).empty());
        CHECK(resumed_after([](BuildOptions& o) { o.shards.count = 3; }).empty());
    }

    TEST_CASE("parts of a build, in any number of runs, give the bytes of the whole") {
        test::BuiltIndex whole;
        build_sharded(whole, Metric::kL2, 3);
        BuildOptions options = whole.options;
        options.index_dir = whole.folder / "parts";
        const auto run = [&](const BuildPart& part) {
            const auto report = build_part(options, part);
            return report ? std::string() : report.error().message;
        };
        CHECK(run({"graph", 0}).find("cannot open as a folder") != std::string::npos);
        CHECK(run({"partition"}).empty());
        CHECK(run({"graph", 3}) == "shard: expected less than 3, found 3");
        for (const std::uint32_t shard : {2U, 0U, 0U, 1U})
            CHECK(run({"graph", shard}).empty());
        const auto merged = build_part(options, {"merge"});
        REQUIRE(merged);
        CHECK(merged->stages_resumed ==
              std::vector<std::string>{"partition", "graph-0000", "graph-0001", "graph-0002"});
        for (const char* stage : {"codes", "trace", "order"})
            CHECK(run({stage}).empty());
        CHECK(fs::is_directory(options.index_dir / "build.work"));
        const auto finished = build_part(options, {"finish"});
        REQUIRE(finished);
        CHECK(finished->stages_resumed.size() == 8);
        CHECK_FALSE(fs::exists(options.index_dir / "build.work"));
        CHECK(test::contents(options.index_dir) == test::contents(whole.path()));
    }

    TEST_CASE("parts that do not exist, or come too early, are refused") {
        test::BuiltIndex built;
        build_sharded(built, Metric::kL2, 2);
        BuildOptions options = built.options;
        options.index_dir = built.folder / "parts";
        fs::create_directory(options.index_dir);
        const auto error = [&](const BuildPart& part) {
            const auto report = build_part(options, part);
            return report ? std::string() : report.error().message;
        };
        CHECK(error({"sort"}).find("stage: expected partition, graph") == 0);
        CHECK(error({"merge", 1}).find("shard: expected with stage graph only") == 0);
        CHECK(error({"graph", 1}).find("expected the folder of an unfinished build") !=
              std::string::npos);
        CHECK(fs::is_empty(options.index_dir));
        REQUIRE(build_part(options, {"partition"}));
        const auto error_with = [&](const auto& change) {
            BuildOptions other = options;
            change(other);
            const auto report = build_part(other, {"graph", 1});
            return report ? std::string() : report.error().message;
        };
        const std::string refused = "stage partition was run with other options";
        CHECK(error_with([](BuildOptions& o) { o.metric = Metric::kCosine; }).find(refused) !=
              std::string::npos);
        CHECK(error_with([](BuildOptions& o) { o.seed = 7; }).find(refused) != std::string::npos);
        fs::remove(options.index_dir / "build.work" / "partition.stage");
        CHECK(error({"graph", 1}).find("expected stage partition to be finished") !=
              std::string::npos);
    }

    TEST_CASE("a folder of the user's is neither taken nor touched") {
        test::BuiltIndex built;
        build_sharded(built, Metric::kL2, 2);
        BuildOptions options = built.options;
        options.index_dir = built.folder / "index2";
        fs::create_directories(options.index_dir / "build.work" / "thesis");
        const auto report = build(options);
        REQUIRE_FALSE(report);
        CHECK(report.error().message.find("expected the folder of an unfinished build") !=
              std::string::npos);
        CHECK(fs::exists(options.index_dir / "build.work" / "thesis"));
    }

    TEST_CASE("an index of shards is laid out anew") {
        test::BuiltIndex built;
        build_sharded(built, Metric::kL2, 3);
        const double before = recall_of(built.path(), built.vectors, Metric::kL2, 60);
        const auto report = relayout({.index_dir = built.path(),
                                      .workload = built.options.workload,
                                      .page_order = PageOrder::kBreadthFirst,
                                      .thread_count = 2});
        if (!report) FAIL(report.error().message);
        CHECK(report->shards.size() == 3);
        CHECK(recall_of(built.path(), built.vectors, Metric::kL2, 60) >= before - 0.02);
    }

    TEST_CASE("encoded vectors are sharded like others") {
        test::BuiltIndex built;
        build_into(built, vectors_for(Metric::kCosine), [&](BuildOptions& options) {
            options.metric = Metric::kCosine;
            options.shards.count = 3;
            options.layout.encoding = VectorEncoding::kSq8;
            write_workload(built, 300);
        });
        CHECK(recall_of(built.path(), built.vectors, Metric::kCosine, 200) >= 0.97);
    }

    TEST_CASE("shards, weight and factor beyond their range are refused") {
        test::BuiltIndex built;
        build_sharded(built, Metric::kL2, 1);
        const auto error = [&](const ShardOptions& shards) {
            BuildOptions options = built.options;
            options.index_dir = built.folder / "refused";
            options.shards = shards;
            const auto report = build(options);
            CHECK_FALSE(fs::exists(options.index_dir));
            return report ? "" : report.error().message;
        };
        CHECK(error({.count = 5}).find("shards: expected 0 to 4 for ") == 0);
        CHECK(error({.count = 5}).find("vectors, 1000 or more each, found 5") != std::string::npos);
        CHECK(error({.count = 2, .workload_weight = -1.0}).find("workload weight") == 0);
        CHECK(error({.count = 2, .replica_factor = 0.5}).find("replica factor") == 0);
    }

    TEST_CASE("a budget decides the number of shards; one too small names the smallest") {
        test::BuiltIndex built;
        build_sharded(built, Metric::kL2, 1);
        BuildOptions options = built.options;
        options.shards = {};
        options.memory_budget_bytes = 1;
        options.index_dir = built.folder / "refused";
        const auto refused = build(options);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == ErrorCode::kOutOfMemory);
        const std::string& message = refused.error().message;
        const std::string before = "memory budget: building 4000 vectors needs ";
        REQUIRE(message.find(before) == 0);
        options.memory_budget_bytes = std::stoull(message.substr(before.size()));
        const auto report = build(options);
        if (!report) FAIL(report.error().message);
        CHECK(report->plan.find("MiB") != std::string::npos);
    }
}
