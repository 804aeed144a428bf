// Reads that fail, late, torn or wrong: each query gives the right answer or an error.
#include "trackway/builder.h"

#include "faults/fault_table.h"
#include "layouts/manifest.h"
#include "search/worker_pool.h"
#include "support/built_index.h"
#include "support/faulty_page_reader.h"
#include "support/list_source.h"
#include "support/searched_graph.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace trackway;
using test::ReadFault;

namespace {

constexpr std::uint32_t kDimension = 12;

void build_small(test::BuiltIndex& built, std::uint64_t seed, const ShardOptions& shards = {}) {
    build_into(built, test::random_vectors(3000, kDimension, ElementType::kFloat32, seed),
               [&](BuildOptions& options) {
                   options.shards = shards;
                   write_workload(built, 64);
               });
}

// Of every read, one in `one_in` fails.
test::FaultyPageReader::Choose at_times(ReadFault fault, std::uint64_t one_in,
                                        std::atomic<std::uint64_t>& count) {
    return [=, &count](const io::PageRead&, base::Random& random) {
        if (random.below(one_in) != 0) return ReadFault::kNone;
        ++count;
        return fault;
    };
}

}  // namespace

TEST_CASE("every kind of failing read: the right answer or an error that names the place") {
    test::BuiltIndex built;
    test::BuiltIndex foreign;
    build_small(built, 1);
    build_small(foreign, 2);
    const auto opened = test::open_graph(built.path());
    const auto other = test::open_graph(foreign.path());
    const auto queries = test::random_vectors(40, kDimension, ElementType::kFloat32, 3);
    const beam::BeamParams params{.k = 5, .search_list_size = 20, .beam_width = 2};
    test::ListSource right(queries.view, params);
    serve(opened, right, 0, 1);
    test::FaultTable table("failing reads", {"tried", "errors", "right", "wrong"});
    for (const ReadFault fault : test::kReadFaults) {
        std::atomic<std::uint64_t> tried = 0;
        std::uint64_t errors = 0;
        std::uint64_t answers = 0;
        std::uint64_t wrong = 0;
        for (std::uint64_t seed = 1; tried < 500; ++seed) {
            CAPTURE(seed);
            test::ListSource source(queries.view, params);
            serve(opened, source, seed, 8, at_times(fault, 10 + seed % 200, tried), {other.pages});
            REQUIRE(source.finished == queries.view.row_count);
            for (std::uint64_t query = 0; query < queries.view.row_count; ++query) {
                const Status& status = source.statuses[query];
                if (status) {
                    ++answers;
                    wrong += !test::is_same(source.found_by(query), right.found_by(query));
                } else {
                    ++errors;
                    REQUIRE(status.error().message.find(".pages: offset ") != std::string::npos);
                }
            }
        }
        table.add(test::name_of(fault), {tried, errors, answers, wrong});
        CHECK(wrong == 0);
        CHECK(errors > 100);
        CHECK(answers > 100);
    }
    table.print();
}

namespace {

constexpr std::uint32_t kMost = 10;

struct Soak {
    std::atomic<std::uint64_t> faults = 0, answers = 0, failed = 0, wrong = 0;
};

search::Batch batch_of(const MatrixView& queries, std::vector<Neighbor>& out) {
    out.resize(queries.row_count * kMost);
    const beam::BeamParams params{.k = kMost, .search_list_size = 40, .beam_width = 2};
    return {.queries = queries, .options = {.params = params}, .out = out.data(), .status = {}};
}

// One caller: batches of any length, each whole and right or an error.
void call(search::WorkerPool& pool, const MatrixView& queries, std::span<const Neighbor> right,
          std::uint64_t seed, Soak& soak) {
    base::Random random(seed);
    std::vector<Neighbor> out;
    for (int i = 0; i < 40; ++i) {
        const std::uint64_t first = random.below(queries.row_count);
        const std::uint64_t count =
            1 + random.below(std::min<std::uint64_t>(8, queries.row_count - first));
        search::Batch batch =
            batch_of({queries.row(first), queries.element_type, count, queries.dimension}, out);
        if (!pool.run(batch)) {
            ++soak.failed;
            continue;
        }
        soak.answers += count;
        soak.wrong += !test::is_same(out, right.subspan(first * kMost, count * kMost));
    }
}

// A graph is opened, searched by four callers on two threads, and closed.
void soak_once(const std::filesystem::path& path, const MatrixView& queries,
               std::span<const Neighbor> right, std::uint64_t round, Soak& soak) {
    const auto manifest = test::expect_value(layouts::read_manifest(path));
    const auto graph = test::expect_value(search::OpenedGraph::open(path, manifest));
    search::OpenedShards shards(graph);
    std::atomic<std::uint64_t> seed = round * 100;
    const auto spoil = [&](const io::PageRead&, base::Random& random) {
        if (random.below(300) != 0) return ReadFault::kNone;
        ++soak.faults;
        return test::kReadFaults[random.below(test::kReadFaults.size() - 1)];
    };
    const auto open_faulty =
        [&](IoEngine engine,
            const io::PageReaderSetup& setup) -> Result<std::unique_ptr<io::PageReader>> {
        TRACKWAY_TRY_ASSIGN(inner, io::open_page_reader(engine, setup));
        return std::make_unique<test::FaultyPageReader>(std::move(inner), setup, ++seed, spoil);
    };
    OpenOptions options;
    options.queries_in_flight_per_thread = 8;
    auto pool = test::expect_value(search::WorkerPool::start(shards, options, 2, open_faulty));
    std::vector<std::thread> callers;
    for (std::uint64_t caller = 0; caller < 4; ++caller)
        callers.emplace_back(
            [&, caller] { call(*pool, queries, right, round * 10 + caller, soak); });
    for (std::thread& caller : callers)
        caller.join();
}

}  // namespace

TEST_CASE("threads that search for a while over failing reads: no wrong answer, none lost") {
    test::BuiltIndex built;
    build_small(built, 1, {.count = 2});
    const auto queries = test::random_vectors(64, kDimension, ElementType::kFloat32, 3);
    const auto manifest = test::expect_value(layouts::read_manifest(built.path()));
    const auto graph = test::expect_value(search::OpenedGraph::open(built.path(), manifest));
    search::OpenedShards shards(graph);
    auto calm = test::expect_value(search::WorkerPool::start(shards, {}, 1, io::open_page_reader));
    std::vector<Neighbor> right;
    search::Batch all = batch_of(queries.view, right);
    test::expect_ok(calm->run(all));

    const char* text = std::getenv("TRACKWAY_SOAK_SECONDS");
    const std::chrono::seconds length(text != nullptr ? std::stoi(text) : 3);
    Soak soak;
    const auto end = std::chrono::steady_clock::now() + length;
    for (std::uint64_t round = 0; std::chrono::steady_clock::now() < end; ++round)
        soak_once(built.path(), queries.view, right, round, soak);
    test::FaultTable table("searches over failing reads", {"faults", "answers", "failed", "wrong"});
    table.add("4 callers, 2 threads", {soak.faults, soak.answers, soak.failed, soak.wrong});
    table.print();
    CHECK(soak.wrong == 0);
    CHECK(soak.failed > 10);
    CHECK(soak.answers > 100);
}
