#include "trackway/index.h"

#include "trackway/exact_search.h"

#include "base/stopwatch.h"
#include "support/built_index.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

using namespace trackway;

namespace {

std::string search_error(const Index& index, const MatrixView& queries,
                         const SearchParams& params) {
    std::vector<Neighbor> out(queries.row_count * params.k);
    const Status status = index.search(queries, params, out);
    return status ? "" : status.error().message;
}

double recall(const test::BuiltIndex& built, Metric metric, std::uint32_t list) {
    const auto queries =
        test::random_vectors(60, built.vectors.view.dimension, built.vectors.view.element_type, 8);
    write_vectors(built.folder / "query.npy", queries);
    const auto vectors = VectorFile::open(built.folder / "base.npy");
    const auto query_file = VectorFile::open(built.folder / "query.npy");
    REQUIRE(vectors);
    REQUIRE(query_file);
    const auto truth = exact_search(*vectors, *query_file, {.metric = metric, .k = 20});
    REQUIRE(truth);
    const auto index = Index::open(built.path(), {.io = IoEngine::kPread, .thread_count = 2});
    if (!index) FAIL(index.error().message);
    std::vector<Neighbor> out(600);
    std::vector<SearchStats> stats(60);
    REQUIRE(index->search(queries.view, {.k = 10, .search_list_size = list}, out, stats));
    for (std::size_t i = 0; i < out.size(); ++i) {
        const bool larger_is_nearer = metric == Metric::kInnerProduct;
        if (i % 10 == 0) continue;
        REQUIRE((larger_is_nearer ? out[i - 1].distance >= out[i].distance
                                  : out[i - 1].distance <= out[i].distance));
    }
    for (const SearchStats& s : stats) {
        CHECK(s.pages_read > 0);
        CHECK(s.bytes_read ==
              std::uint64_t{s.pages_read - s.pages_joined} * index->summary().page_size_bytes);
        CHECK(s.latency_ns >= s.io_wait_ns);
    }
    return recall_at_k(*truth, out, 10);
}

}  // namespace

TEST_SUITE("search") {
    TEST_CASE("every metric and element type finds the true neighbours") {
        for (const Metric metric : {Metric::kL2, Metric::kInnerProduct, Metric::kCosine}) {
            for (const ElementType type : {ElementType::kFloat32, ElementType::kFloat16,
                                           ElementType::kUint8, ElementType::kInt8}) {
                CAPTURE(name_of(metric));
                CAPTURE(name_of(type));
                test::BuiltIndex built;
                build_into(built, test::random_vectors(800, 13, type, 1),
                           [&](BuildOptions& options) {
                               options.metric = metric;
                               write_workload(built, 40);
                           });
                CHECK(recall(built, metric, 150) >= 0.97);
            }
        }
    }

    TEST_CASE("wrong queries and parameters are errors that say what was expected") {
        test::BuiltIndex built;
        build_into(built, test::random_vectors(300, 8, ElementType::kFloat32, 1),
                   [](BuildOptions&) {});
        const auto index = Index::open(built.path(), {.thread_count = 1, .max_beam_width = 4});
        REQUIRE(index);
        auto queries = test::random_vectors(3, 8, ElementType::kFloat32, 2);
        const MatrixView& view = queries.view;
        CHECK(search_error(*index, view, {}).empty());
        CHECK(search_error(*index, view, {.k = 0}) == "k: expected 1 to 300, found 0");
        CHECK(search_error(*index, view, {.k = 301}) == "k: expected 1 to 300, found 301");
        CHECK(
            search_error(*index, view, {.search_list_size = 9}).find("search list: expected 10") ==
            0);
        CHECK(search_error(*index, view, {.beam_width = 5}) ==
              "beam width: expected 0 to 4, found 5");
        CHECK(search_error(*index, view, {.page_limit = 9}).find("page limit: expected 10") == 0);
        MatrixView wrong = view;
        wrong.dimension = 7;
        CHECK(search_error(*index, wrong, {}) == "queries: expected dimension 8, found 7");
        wrong = view;
        wrong.element_type = ElementType::kUint8;
        CHECK(search_error(*index, wrong, {}) == "queries: expected float32, found uint8");
        test::store(ElementType::kFloat32, std::numeric_limits<float>::quiet_NaN(),
                    queries.bytes.data() + 9 * 4);
        CHECK(search_error(*index, view, {}) ==
              "query 1: expected finite numbers, found NaN or infinity");
        CHECK(search_error(*index, {view.data, view.element_type, 0, 8}, {}).empty());
    }

    TEST_CASE("k as large as the index and lists larger than it give every vector") {
        test::BuiltIndex built;
        build_into(built, test::random_vectors(100, 4, ElementType::kInt8, 1),
                   [](BuildOptions&) {});
        const auto index = Index::open(built.path());
        REQUIRE(index);
        std::vector<Neighbor> out(100);
        REQUIRE(index->search({built.vectors.bytes.data(), ElementType::kInt8, 1, 4},
                              {.k = 100, .search_list_size = 1000}, out));
        std::vector<bool> seen(100, false);
        for (const Neighbor& neighbor : out)
            seen[static_cast<std::size_t>(neighbor.id)] = true;
        CHECK(std::count(seen.begin(), seen.end(), true) == 100);
    }

    TEST_CASE("one index answers several threads at once, and then closes") {
        test::BuiltIndex built;
        build_into(built, test::random_vectors(500, 8, ElementType::kUint8, 1),
                   [](BuildOptions&) {});
        for (const IoEngine io : {IoEngine::kAuto, IoEngine::kPread}) {
            const auto index = Index::open(
                built.path(), {.io = io, .thread_count = 2, .queries_in_flight_per_thread = 3});
            REQUIRE(index);
            const auto queries = test::random_vectors(50, 8, ElementType::kUint8, 2);
            std::vector<std::vector<Neighbor>> out(4, std::vector<Neighbor>(500));
            std::vector<std::thread> callers;
            for (auto& found : out)
                callers.emplace_back([&] {
                    const Status status = index->search(queries.view, {.beam_width = 1}, found);
                    CHECK(status.has_value());
                });
            for (std::thread& caller : callers)
                caller.join();
            for (std::size_t i = 0; i < 500; ++i)
                for (const auto& found : out)
                    REQUIRE(found[i].id == out[0][i].id);
        }
    }

    TEST_CASE("a caller with one query does not wait for another's thousands") {
        test::BuiltIndex built;
        build_into(built, test::random_vectors(500, 8, ElementType::kUint8, 1),
                   [](BuildOptions&) {});
        const auto index = Index::open(built.path(), {.thread_count = 1});
        REQUIRE(index);
        const auto queries = test::random_vectors(8000, 8, ElementType::kUint8, 2);
        std::atomic<bool> finished = false;
        std::thread other([&] {
            std::vector<Neighbor> out(queries.view.row_count * 10);
            CHECK(index->search(queries.view, {.search_list_size = 100}, out).has_value());
            finished = true;
        });
        const MatrixView one{queries.bytes.data(), ElementType::kUint8, 1, 8};
        std::vector<Neighbor> out(10);
        int answered = 0;
        while (!finished) {
            REQUIRE(index->search(one, {}, out));
            ++answered;
        }
        other.join();
        CHECK(answered > 10);
    }

    TEST_CASE("an idle index takes no CPU") {
        test::BuiltIndex built;
        build_into(built, test::random_vectors(300, 8, ElementType::kFloat32, 1),
                   [](BuildOptions&) {});
        for (const IoEngine io : {IoEngine::kAuto, IoEngine::kPread}) {
            const auto index = Index::open(built.path(), {.io = io, .thread_count = 4});
            REQUIRE(index);
            std::vector<Neighbor> out(3000);
            REQUIRE(index->search(built.vectors.view, {}, out));
            const base::Stopwatch watch;
            std::this_thread::sleep_for(std::chrono::milliseconds(400));
            CHECK(watch.cpu_seconds() < 0.01 * watch.seconds());
        }
    }

    TEST_CASE("a page that is damaged after opening fails the call that reads it") {
        test::BuiltIndex built;
        build_into(built, test::random_vectors(300, 8, ElementType::kFloat32, 1),
                   [](BuildOptions&) {});
        std::filesystem::path pages;
        for (const auto& entry : std::filesystem::directory_iterator(built.path()))
            if (entry.path().extension() == ".pages") pages = entry.path();
        const auto index = Index::open(built.path());
        REQUIRE(index);
        std::filesystem::resize_file(pages, 4096);
        const auto queries = test::random_vectors(3, 8, ElementType::kFloat32, 2);
        const std::string message = search_error(*index, queries.view, {});
        CHECK(message.find(".pages: offset ") != std::string::npos);
        CHECK(message.find("expected 4096 bytes, found 0") != std::string::npos);
    }
}
