// Indexes of separate shards: what is found, what is asked, what happens when one is gone.
#include "trackway/builder.h"
#include "trackway/index.h"

#include "io/file.h"
#include "layouts/file_names.h"
#include "layouts/manifest.h"
#include "layouts/shard_set.h"
#include "layouts/verify_graph.h"
#include "search/opened_shards.h"
#include "support/built_index.h"
#include "support/folder_contents.h"
#include "support/true_nearest.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace trackway;
namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t kVectors = 4000;
constexpr std::uint32_t kShards = 4;
constexpr std::uint32_t kQueries = 60;

// With few queries the shards are not calibrated, which takes most of the time.
void build_separate(test::BuiltIndex& built, Metric metric, std::uint64_t queries) {
    const auto type = metric == Metric::kL2 ? ElementType::kUint8 : ElementType::kFloat32;
    build_into(built, test::random_vectors(kVectors, 12, type, 3), [&](BuildOptions& options) {
        options.metric = metric;
        options.shards = {.count = kShards, .graphs = ShardGraphs::kSeparate};
        options.code_type = CodeType::kPq;
        write_workload(built, queries);
    });
}

test::BuiltIndex& shared_index() {
    static test::BuiltIndex index;
    if (index.report.vectors == 0) build_separate(index, Metric::kL2, 300);
    return index;
}

// A copy that a test may damage.
fs::path copy_of(const test::BuiltIndex& built, const test::TempFolder& folder) {
    fs::copy(built.path(), folder / "index", fs::copy_options::recursive);
    return folder / "index";
}

layouts::ShardSet set_of(const fs::path& path) {
    auto set = test::expect_value(layouts::read_shard_set(path));
    REQUIRE(set.has_value());
    return *set;
}

struct Answers {
    std::vector<Neighbor> found = std::vector<Neighbor>(kQueries * 10);
    std::vector<SearchStats> stats = std::vector<SearchStats>(kQueries);
    Status status;
    std::vector<std::string> errors;

    double mean_probes() const {
        double sum = 0;
        for (const SearchStats& query : stats)
            sum += query.shards_probed;
        return sum / kQueries;
    }
};

test::Vectors queries_for(const test::BuiltIndex& built) {
    return test::random_vectors(kQueries, 12, built.vectors.view.element_type, 8);
}

Answers answers(const test::BuiltIndex& built, const fs::path& path, const SearchParams& params,
                const OpenOptions& options = {.thread_count = 1}) {
    const auto index = test::expect_value(Index::open(path, options));
    Answers result;
    result.status = index.search(queries_for(built).view, params, result.found, result.stats);
    result.errors = index.shard_errors();
    return result;
}

double recall(const test::BuiltIndex& built, const Answers& answers) {
    const auto queries = queries_for(built);
    std::uint32_t hits = 0;
    for (std::uint64_t q = 0; q < kQueries; ++q) {
        std::set<std::uint64_t> ids;
        for (std::uint64_t i = q * 10; i < q * 10 + 10; ++i) {
            const auto id = static_cast<std::uint64_t>(answers.found[i].id);
            CHECK(ids.insert(id).second);  // replicas are dropped
        }
        for (const auto& t :
             test::true_nearest(built.vectors.view, queries.view.row(q), built.options.metric, 10))
            hits += ids.contains(t.vertex) ? 1U : 0U;
    }
    return hits / (10.0 * kQueries);
}

}  // namespace

TEST_SUITE("search") {
    TEST_CASE("separate shards find what is nearest, for every metric") {
        for (const Metric metric : {Metric::kL2, Metric::kInnerProduct, Metric::kCosine}) {
            test::BuiltIndex uncalibrated;
            if (metric != Metric::kL2) build_separate(uncalibrated, metric, 300);
            const test::BuiltIndex& built = metric == Metric::kL2 ? shared_index() : uncalibrated;
            const SearchParams all{.k = 10, .search_list_size = 200, .share_sought = 1};
            const Answers every = answers(built, built.path(), all);
            test::expect_ok(every.status);
            CHECK(recall(built, every) >= 0.97);
            const Answers some = answers(built, built.path(), {.k = 10, .search_list_size = 200});
            CHECK(recall(built, some) >= 0.9);
            CHECK(some.mean_probes() <= every.mean_probes());
            const Answers one =
                answers(built, built.path(), {.k = 10, .search_list_size = 200, .shard_probes = 1});
            CHECK(one.mean_probes() == 1);
            CHECK(recall(built, one) <= recall(built, every));
            for (std::uint64_t q = 0; q < kQueries; ++q) {
                for (std::uint64_t i = q * 10 + 1; i < q * 10 + 10; ++i) {
                    const bool in_order =
                        metric == Metric::kInnerProduct
                            ? every.found[i - 1].distance >= every.found[i].distance
                            : every.found[i - 1].distance <= every.found[i].distance;
                    CHECK(in_order);
                }
            }
        }
    }

    TEST_CASE("a single neighbour is found though other shards have found one before") {
        const test::BuiltIndex& built = shared_index();
        const auto index = test::expect_value(Index::open(built.path(), {.thread_count = 1}));
        constexpr std::uint32_t kAsked = 1000;
        std::vector<Neighbor> found(kAsked);
        MatrixView asked = built.vectors.view;
        asked.row_count = kAsked;
        test::expect_ok(index.search(
            asked, {.k = 1, .search_list_size = 100, .beam_width = 1, .share_sought = 1}, found));
        std::uint32_t hits = 0;
        for (std::uint32_t i = 0; i < kAsked; ++i)
            hits += found[i].id == VectorId{i} ? 1U : 0U;
        CHECK(hits >= kAsked * 998 / 1000);
    }

    TEST_CASE("each shard is a whole index of its own, whose rows are those of the dataset") {
        const test::BuiltIndex& built = shared_index();
        const layouts::ShardSet set = set_of(built.path());
        REQUIRE(set.shard_vectors.size() == kShards);
        std::set<std::uint64_t> seen;
        std::uint64_t members = 0;
        for (std::uint32_t shard = 0; shard < kShards; ++shard) {
            const fs::path folder = layouts::shard_folder(built.path(), set, shard);
            const auto manifest = test::expect_value(layouts::read_manifest(folder));
            CHECK(manifest.dataset_rows == kVectors);
            CHECK(manifest.vectors == set.shard_vectors[shard]);
            CHECK(built.report.shards[shard].vectors + built.report.shards[shard].replicas ==
                  manifest.vectors);
            const auto files = test::expect_value(layouts::GraphFiles::open(folder, manifest));
            CHECK(test::expect_value(layouts::verify_graph(files)).vertices == manifest.vectors);
            members += manifest.vectors;
            // Asked for a vector, it answers with its row in the dataset.
            const auto index = test::expect_value(Index::open(folder, {.thread_count = 1}));
            std::vector<Neighbor> found(manifest.vectors);
            const auto queries = queries_for(built);
            const MatrixView query{queries.view.data, queries.view.element_type, 1, 12};
            const auto vectors = static_cast<std::uint32_t>(manifest.vectors);
            REQUIRE(index.search(query, {.k = vectors, .search_list_size = vectors}, found));
            for (const Neighbor& neighbor : found)
                seen.insert(static_cast<std::uint64_t>(neighbor.id));
        }
        CHECK(seen.size() == kVectors);
        CHECK(*seen.rbegin() == kVectors - 1);
        CHECK(members > kVectors);
        CHECK(members <= kVectors * 13 / 10);
    }

    TEST_CASE("a shard can be laid out anew by itself") {
        const test::BuiltIndex& built = shared_index();
        const test::TempFolder folder;
        const fs::path path = copy_of(built, folder);
        const Answers before =
            answers(built, path, {.k = 10, .search_list_size = 400, .share_sought = 1});
        const fs::path shard = layouts::shard_folder(path, set_of(path), 2);
        const auto report = relayout({.index_dir = shard,
                                      .workload = built.options.workload,
                                      .page_order = PageOrder::kBreadthFirst});
        if (!report) FAIL(report.error().message);
        const Answers after =
            answers(built, path, {.k = 10, .search_list_size = 400, .share_sought = 1});
        CHECK(std::abs(recall(built, after) - recall(built, before)) <= 0.01);
        test::expect_error(relayout({.index_dir = path, .workload = built.options.workload}),
                           ErrorCode::kUnsupported, {"separate shards"});
    }

    TEST_CASE("the same bytes for any number of threads, and after a stop in any stage") {
        const test::BuiltIndex& built = shared_index();
        const test::TempFolder folder;
        const auto all = [](const fs::path& path) {
            auto files = test::contents(path);
            const layouts::ShardSet set = set_of(path);
            for (std::uint32_t shard = 0; shard < kShards; ++shard) {
                const fs::path own = layouts::shard_folder(path, set, shard);
                for (auto& [name, bytes] : test::contents(own))
                    files[own.filename().string() + "/" + name] = std::move(bytes);
            }
            return files;
        };
        const auto whole = all(built.path());
        BuildOptions options = built.options;
        options.thread_count = 4;
        options.index_dir = folder / "stopped";
        for (const char* stage :
             {"router", "shard-0001: graph", "shard-0001: calibrate", "shard-0003: codes"}) {
            CAPTURE(stage);
            test::build_until(stage, options);
            CHECK_FALSE(fs::exists(options.index_dir / layouts::kManifestName));
        }
        const auto report = test::expect_value(build(options));
        const auto& resumed = report.stages_resumed;
        CHECK(std::find(resumed.begin(), resumed.end(), "shard-0002") != resumed.end());
        CHECK(all(options.index_dir) == whole);
        CHECK_FALSE(fs::exists(options.index_dir / "build.work"));
        // One by one, as machines that share the folder would.
        options.thread_count = 1;
        options.index_dir = folder / "parts";
        test::expect_error(build_part(options, {.stage = "merge"}), ErrorCode::kInvalidArgument,
                           {"stage", "merge"});
        test::expect_error(build_part(options, {.stage = "graph", .shard = 1}),
                           ErrorCode::kNotFound);
        test::expect_value(build_part(options, {.stage = "partition"}));
        for (const std::uint32_t shard : {2U, 0U, 3U, 1U})
            test::expect_value(build_part(options, {.stage = "graph", .shard = shard}));
        const auto finished = test::expect_value(build(options));
        CHECK(finished.stages_resumed.size() >= kShards + 2);
        CHECK(all(options.index_dir) == whole);
    }

    TEST_CASE("a shard may hold all vectors; built again, an index takes its own place") {
        test::BuiltIndex built;
        build_into(built, test::random_vectors(2000, 8, ElementType::kFloat32, 3),
                   [&](BuildOptions& options) {
                       options.shards = {.count = 1, .graphs = ShardGraphs::kSeparate};
                       options.code_type = CodeType::kPq;
                       write_workload(built, 100);
                   });
        const layouts::ShardSet set = set_of(built.path());
        CHECK(set.shard_vectors == std::vector<std::uint64_t>{2000});
        const fs::path shard = layouts::shard_folder(built.path(), set, 0);
        CHECK(test::expect_value(layouts::read_manifest(shard)).dataset_rows == 0);
        const auto before = test::contents(shard);
        BuildOptions options = built.options;
        test::expect_error(build(options), ErrorCode::kInvalidArgument, {"overwrite"});
        options.overwrite = true;
        for (const auto& entry : fs::directory_iterator(shard))
            fs::resize_file(entry.path(), 10);
        test::expect_value(build(options));
        CHECK(set_of(built.path()) == set);
        CHECK(test::contents(shard) == before);
        CHECK_FALSE(fs::exists(built.path() / "build.work"));
        // A set that lost its manifest is not taken for what a build has left.
        fs::remove(built.path() / layouts::kManifestName);
        options.overwrite = false;
        test::expect_error(build(options), ErrorCode::kInvalidArgument, {"empty folder", "shard-"});
        CHECK(test::contents(shard) == before);
    }

    TEST_CASE("shards of a build that was cut while it published are taken back") {
        const test::BuiltIndex& built = shared_index();
        const layouts::ShardSet set = set_of(built.path());
        const test::TempFolder folder;
        BuildOptions options = built.options;
        options.index_dir = folder / "again";
        test::expect_value(build_part(options, {.stage = "graph"}));
        const fs::path work = options.index_dir / "build.work";
        for (const std::uint32_t shard : {0U, 2U}) {
            fs::rename(work / layouts::numbered_shard_name(shard),
                       layouts::shard_folder(options.index_dir, set, shard));
        }
        const auto report = test::expect_value(build(options));
        for (const char* stage : {"shard-0000", "shard-0001", "shard-0002", "shard-0003"}) {
            const auto& resumed = report.stages_resumed;
            CHECK(std::find(resumed.begin(), resumed.end(), stage) != resumed.end());
        }
        CHECK(set_of(options.index_dir) == set);
    }

    TEST_CASE("one kind of index replaces the other") {
        const test::TempFolder folder;
        BuildOptions options = shared_index().options;
        options.index_dir = copy_of(shared_index(), folder);
        options.overwrite = true;
        options.shards = {};
        test::expect_value(build(options));
        const auto graph = test::expect_value(Index::open(options.index_dir, {.thread_count = 1}));
        CHECK_FALSE(graph.summary().are_separate);
        for (const auto& entry : fs::directory_iterator(options.index_dir))
            CHECK_FALSE(entry.is_directory());
        options.shards = {.count = 2, .graphs = ShardGraphs::kSeparate};
        test::expect_value(build(options));
        const auto separate =
            test::expect_value(Index::open(options.index_dir, {.thread_count = 1}));
        CHECK(separate.summary().shards == 2);
        for (const auto& entry : fs::directory_iterator(options.index_dir))
            CHECK(entry.path().extension() != ".pages");
    }

    TEST_CASE("a shard that cannot be opened is named, or left out and counted") {
        const test::BuiltIndex& built = shared_index();
        const test::TempFolder folder;
        const fs::path path = copy_of(built, folder);
        fs::remove_all(layouts::shard_folder(path, set_of(path), 1));
        test::expect_error(Index::open(path), ErrorCode::kNotFound, {"shard 1: ", "shard-0001."});
        const SearchParams all{.k = 10, .search_list_size = 100, .share_sought = 1};
        const Answers partial =
            answers(built, path, all, {.thread_count = 1, .allow_partial = true});
        test::expect_ok(partial.status);
        std::uint32_t marked = 0;
        for (const SearchStats& stats : partial.stats)
            marked += stats.shards_failed;
        CHECK(marked > kQueries / 2);
        REQUIRE(partial.errors.size() == 1);
        CHECK(partial.errors.front().find("shard-0001.") != std::string::npos);
        CHECK(recall(built, partial) < recall(built, answers(built, built.path(), all)));
        for (std::uint32_t shard : {0U, 2U, 3U})
            fs::remove_all(layouts::shard_folder(path, set_of(path), shard));
        test::expect_error(Index::open(path, {.allow_partial = true}), ErrorCode::kNotFound,
                           {"shard 0"});
    }

    TEST_CASE("a shard that breaks while it is open fails the query, or is left out") {
        const test::BuiltIndex& built = shared_index();
        for (const char* what : {".pages", ".codes"}) {
            CAPTURE(what);
            const test::TempFolder folder;
            const fs::path path = copy_of(built, folder);
            for (const auto& entry :
                 fs::directory_iterator(layouts::shard_folder(path, set_of(path), 3))) {
                if (entry.path().extension() != what) continue;
                auto bytes = test::expect_value(io::read_file(entry.path(), 1U << 30U));
                for (std::size_t at = 4096 + 2048; at < bytes.size(); at += 4096)
                    bytes[at] ^= std::byte{1};
                REQUIRE(io::write_file(entry.path(), bytes));
            }
            const SearchParams all{.k = 10, .search_list_size = 100, .share_sought = 1};
            const Answers failed = answers(built, path, all);
            test::expect_error(failed.status, ErrorCode::kCorruption, {"shard-0003."});
            const Answers partial =
                answers(built, path, all, {.thread_count = 2, .allow_partial = true});
            test::expect_ok(partial.status);
            REQUIRE(partial.errors.size() == 1);
            CHECK(partial.errors.front().find("shard-0003.") != std::string::npos);
            CHECK(std::any_of(partial.stats.begin(), partial.stats.end(),
                              [](const SearchStats& stats) { return stats.shards_failed == 1; }));
        }
    }

    TEST_CASE("answers that miss shards end in none where too few vectors are left") {
        const test::BuiltIndex& built = shared_index();
        const test::TempFolder folder;
        const fs::path path = copy_of(built, folder);
        const layouts::ShardSet set = set_of(path);
        for (std::uint32_t shard : {0U, 1U, 2U})
            fs::remove_all(layouts::shard_folder(path, set, shard));
        const auto index =
            test::expect_value(Index::open(path, {.thread_count = 1, .allow_partial = true}));
        const auto queries = queries_for(built);
        std::vector<Neighbor> found(kVectors);
        const MatrixView query{queries.view.data, queries.view.element_type, 1, 12};
        REQUIRE(index.search(query, {.k = kVectors, .search_list_size = kVectors}, found));
        const auto left = static_cast<std::size_t>(set.shard_vectors[3]);
        CHECK(found[left - 1].id != kNoVector);
        CHECK(found[left].id == kNoVector);
        CHECK(std::isinf(found[left].distance));
    }

    TEST_CASE("all vectors are found where all are wanted, though replicas fill places too") {
        const test::BuiltIndex& built = shared_index();
        const auto index = test::expect_value(Index::open(built.path(), {.thread_count = 1}));
        const auto queries = queries_for(built);
        const MatrixView few{queries.view.data, queries.view.element_type, 3, 12};
        std::vector<Neighbor> found(3 * kVectors);
        test::expect_ok(index.search(
            few, {.k = kVectors, .search_list_size = kVectors, .share_sought = 1}, found));
        for (std::uint32_t q = 0; q < 3; ++q) {
            std::set<std::uint64_t> rows;
            for (std::uint32_t i = 0; i < kVectors; ++i)
                rows.insert(static_cast<std::uint64_t>(found[q * kVectors + i].id));
            CHECK(rows.size() == kVectors);
        }
    }

    TEST_CASE("more neighbours than a shard has are looked for in the others") {
        const test::BuiltIndex& built = shared_index();
        const auto index = test::expect_value(Index::open(built.path(), {.thread_count = 1}));
        const auto queries = queries_for(built);
        const MatrixView query{queries.view.data, queries.view.element_type, 1, 12};
        std::vector<Neighbor> found(2000);
        std::vector<SearchStats> stats(1);
        REQUIRE(index.search(query, {.k = 2000, .search_list_size = 2000, .shard_probes = 1}, found,
                             stats));
        CHECK(stats[0].shards_probed > 1);
        CHECK(found.back().id != kNoVector);
    }

    TEST_CASE("tables come and go under the memory budget, and answers stay the same") {
        const test::BuiltIndex& built = shared_index();
        const layouts::ShardSet set = set_of(built.path());
        const auto opened = [&](std::uint64_t budget) {
            return search::OpenedShards::open(built.path(), set, {.memory_budget_bytes = budget});
        };
        auto roomy = test::expect_value(opened(0));
        const std::uint64_t all = roomy->table_bytes();
        test::expect_error(opened(1000), ErrorCode::kOutOfMemory,
                           {"memory budget", "largest shard", "found 1000"});
        // Room for two shards or three.
        const std::uint64_t router = roomy->router().values.size() * sizeof(float);
        const std::uint64_t tight = router + (all - router) * 7 / 10;
        const std::uint64_t largest =
            *std::max_element(set.shard_vectors.begin(), set.shard_vectors.end());
        const std::uint64_t least = router + (all - router) * largest / kVectors;
        auto shards = test::expect_value(opened(tight));
        std::uint32_t pinned = 0;
        while (test::expect_value(shards->try_pin(pinned)) != nullptr)
            ++pinned;
        CHECK(pinned >= 2);
        CHECK(pinned < kShards);
        const std::uint64_t loads = shards->loads();
        std::thread other([&] { CHECK(test::expect_value(shards->pin(3)) != nullptr); });
        shards->unpin(0);
        other.join();
        CHECK(shards->loads() == loads + 1);
        const SearchParams params{
            .k = 10, .search_list_size = 100, .beam_width = 1, .share_sought = 1};
        const Answers free = answers(built, built.path(), params);
        for (const std::uint32_t threads : {1U, 3U}) {
            for (const std::uint64_t budget : {tight, least}) {
                const OpenOptions options{.thread_count = threads,
                                          .queries_in_flight_per_thread = 8,
                                          .memory_budget_bytes = budget};
                for (int pass = 0; pass < 5; ++pass) {
                    const Answers bounded = answers(built, built.path(), params, options);
                    test::expect_ok(bounded.status);
                    CHECK(std::abs(recall(built, bounded) - recall(built, free)) <= 0.02);
                }
            }
        }
    }

    TEST_CASE("what separate shards cannot do is refused") {
        const test::BuiltIndex& built = shared_index();
        const auto search = [&](const SearchParams& params) {
            return answers(built, built.path(), params).status;
        };
        test::expect_error(search({.k = 10, .target_recall = 0.9}), ErrorCode::kUnsupported,
                           {"target recall", "separate shards"});
        test::expect_error(search({.k = 10, .share_sought = 1.5}), ErrorCode::kInvalidArgument,
                           {"shard share", "1.5"});
        test::expect_error(Index::open(built.path(), {.cache_vertices = 5}),
                           ErrorCode::kUnsupported, {"separate shards"});
        test::expect_error(Index::open(built.path(), {.record_share = 0.5}),
                           ErrorCode::kUnsupported, {"separate shards"});
        BuildOptions options = built.options;
        options.index_dir = built.folder / "encoded";
        options.layout.encoding = VectorEncoding::kSq8;
        options.vectors = built.folder / "floats.npy";
        write_vectors(options.vectors,
                      test::random_vectors(kVectors, 12, ElementType::kFloat32, 3));
        test::expect_error(build(options), ErrorCode::kUnsupported, {"vector encoding", "sq8"});
        test::BuiltIndex one;
        build_into(one, test::random_vectors(300, 4, ElementType::kFloat32, 1),
                   [](BuildOptions&) {});
        const auto graph = test::expect_value(Index::open(one.path(), {.thread_count = 1}));
        std::vector<Neighbor> found(1);
        const MatrixView query{one.vectors.view.data, ElementType::kFloat32, 1, 4};
        test::expect_error(graph.search(query, {.k = 1, .shard_probes = 2}, found),
                           ErrorCode::kUnsupported, {"shard probes", "one graph"});
    }
}
