#include "trackway/exact_search.h"
#include "trackway/index.h"

#include "io/file.h"
#include "support/built_index.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

using namespace trackway;

namespace {

constexpr std::uint32_t kQueries = 60;
constexpr VectorEncoding kEncodings[] = {VectorEncoding::kFloat16, VectorEncoding::kSq8};

test::Vectors queries_for(const test::BuiltIndex& built) {
    return test::random_vectors(kQueries, built.vectors.view.dimension,
                                built.vectors.view.element_type, 8);
}

// Every row with its distance, for every query.
GroundTruth all_distances(const test::BuiltIndex& built) {
    write_vectors(built.folder / "query.npy", queries_for(built));
    const auto vectors = VectorFile::open(built.folder / "base.npy");
    const auto queries = VectorFile::open(built.folder / "query.npy");
    REQUIRE(vectors);
    REQUIRE(queries);
    auto truth = exact_search(*vectors, *queries,
                              {.metric = built.options.metric,
                               .k = static_cast<std::uint32_t>(built.vectors.view.row_count)});
    REQUIRE(truth);
    return *truth;
}

struct Answers {
    std::vector<Neighbor> found = std::vector<Neighbor>(kQueries * 10);
    std::vector<SearchStats> stats = std::vector<SearchStats>(kQueries);
};

Answers answers(const test::BuiltIndex& built, std::optional<std::uint32_t> rerank,
                std::uint32_t beam_width = 1) {
    const auto index = Index::open(
        built.path(),
        {.thread_count = 2, .queries_in_flight_per_thread = 5, .max_beam_width = beam_width});
    if (!index) FAIL(index.error().message);
    Answers result;
    const auto queries = queries_for(built);
    const Status status = index->search(
        queries.view, {.k = 10, .search_list_size = 40, .beam_width = beam_width, .rerank = rerank},
        result.found, result.stats);
    if (!status) FAIL(status.error().message);
    return result;
}

float exact_distance(const GroundTruth& truth, std::size_t query, VectorId id) {
    for (std::size_t i = query * truth.k; i < (query + 1) * truth.k; ++i) {
        if (truth.ids[i] == static_cast<std::uint64_t>(id)) return truth.distances[i];
    }
    FAIL("no such row");
    return 0;
}

void build_encoded(test::BuiltIndex& built, VectorEncoding encoding, Metric metric,
                   ElementType type = ElementType::kFloat32) {
    build_into(built, test::random_vectors(600, 24, type, 1), [&](BuildOptions& options) {
        options.metric = metric;
        options.layout.encoding = encoding;
    });
}

std::filesystem::path vectors_file(const test::BuiltIndex& built) {
    std::filesystem::path path;
    for (const auto& entry : std::filesystem::directory_iterator(built.path()))
        if (entry.path().extension() == ".vectors") path = entry.path();
    return path;
}

// Without reranking, distances are those that the codes stand for.
void check_codes_alone(const test::BuiltIndex& built, const GroundTruth& truth) {
    const Answers result = answers(built, 0);
    CHECK(recall_at_k(truth, result.found, 10) > 0.9);
    const double slack = built.options.metric == Metric::kCosine ? 0.5 : 20;
    for (std::size_t i = 0; i < result.found.size(); ++i) {
        const auto exact = double{exact_distance(truth, i / 10, result.found[i].id)};
        REQUIRE(std::abs(double{result.found[i].distance} - exact) <
                0.02 * (std::abs(exact) + slack));
    }
    for (const SearchStats& stats : result.stats)
        CHECK(stats.rerank_pages == 0);
}

}  // namespace

TEST_SUITE("search") {
    TEST_CASE("with reranking, codes find what exact vectors find, at exact distances") {
        for (const Metric metric : {Metric::kL2, Metric::kInnerProduct, Metric::kCosine}) {
            test::BuiltIndex plain;
            build_encoded(plain, VectorEncoding::kAsGiven, metric);
            const GroundTruth truth = all_distances(plain);
            const double expected = recall_at_k(truth, answers(plain, {}).found, 10);
            for (const VectorEncoding encoding : kEncodings) {
                CAPTURE(name_of(metric));
                CAPTURE(name_of(encoding));
                test::BuiltIndex built;
                build_encoded(built, encoding, metric);
                const Answers result = answers(built, {});
                CHECK(recall_at_k(truth, result.found, 10) >= expected - 0.02);
                for (std::size_t i = 0; i < result.found.size(); ++i) {
                    REQUIRE(result.found[i].distance ==
                            exact_distance(truth, i / 10, result.found[i].id));
                }
                for (const SearchStats& stats : result.stats) {
                    CHECK(stats.rerank_pages > 0);
                    CHECK(stats.rerank_pages <= 20);
                    CHECK(stats.rerank_pages < stats.pages_read);
                    CHECK(stats.bytes_read ==
                          std::uint64_t{stats.pages_read - stats.pages_joined} * 4096);
                }
                REQUIRE(built.report.layout.encoding_recall_without_rerank);
                CHECK(*built.report.layout.encoding_recall_without_rerank > 0.9);
                CHECK(*built.report.layout.encoding_recall_without_rerank <= 1);
                check_codes_alone(built, truth);
            }
        }
    }

    TEST_CASE("whole numbers under sq8 lose nothing") {
        auto vectors = test::random_vectors(700, 12, ElementType::kUint8, 1);
        test::Vectors floats;
        for (const std::byte byte : vectors.bytes) {
            const auto value = static_cast<float>(std::to_integer<int>(byte));
            const auto raw = std::as_bytes(std::span(&value, 1));
            floats.bytes.insert(floats.bytes.end(), raw.begin(), raw.end());
        }
        floats.view = {floats.bytes.data(), ElementType::kFloat32, 700, 12};
        test::BuiltIndex built;
        build_into(built, std::move(floats),
                   [](BuildOptions& options) { options.layout.encoding = VectorEncoding::kSq8; });
        CHECK(*built.report.layout.encoding_recall_without_rerank == 1);
        const auto index = Index::open(built.path(), {.thread_count = 1});
        REQUIRE(index);
        std::vector<Neighbor> alone(7000);
        std::vector<Neighbor> reranked(7000);
        REQUIRE(index->search(built.vectors.view, {.rerank = 0}, alone));
        REQUIRE(index->search(built.vectors.view, {}, reranked));
        for (std::size_t i = 0; i < alone.size(); ++i) {
            REQUIRE(alone[i].id == reranked[i].id);
            REQUIRE(alone[i].distance == reranked[i].distance);
        }
    }

    TEST_CASE("answers do not depend on how many pages are read at a time") {
        test::BuiltIndex built;
        build_encoded(built, VectorEncoding::kSq8, Metric::kL2, ElementType::kFloat16);
        CHECK(built.report.element_type == ElementType::kFloat16);
        const Answers expected = answers(built, 40);
        const Answers wide = answers(built, 40, 16);
        for (std::size_t q = 0; q < kQueries; ++q)
            CHECK(wide.found[q * 10].id == expected.found[q * 10].id);
        const Answers again = answers(built, 40);
        for (std::size_t i = 0; i < again.found.size(); ++i)
            CHECK(again.found[i].id == expected.found[i].id);
    }

    TEST_CASE("rerank counts that make no sense are refused") {
        test::BuiltIndex built;
        build_encoded(built, VectorEncoding::kSq8, Metric::kL2);
        const auto queries = queries_for(built);
        std::vector<Neighbor> out(600);
        const auto index = Index::open(built.path(), {.thread_count = 1});
        REQUIRE(index);
        CHECK(index->summary().encoding == VectorEncoding::kSq8);
        CHECK(index->summary().element_type == ElementType::kFloat32);
        CHECK(index->search(queries.view, {.rerank = 9}, out)
                  .error()
                  .message.find("rerank: expected 10 to ") == 0);
        CHECK(index->search(queries.view, {.rerank = 5000}, out));
        test::BuiltIndex plain;
        build_encoded(plain, VectorEncoding::kAsGiven, Metric::kL2);
        const auto exact = Index::open(plain.path(), {.thread_count = 1});
        REQUIRE(exact);
        CHECK(exact->search(queries.view, {.rerank = 20}, out).error().message ==
              "rerank: expected 0 for an index of vectors as given, found 20");
        CHECK(exact->search(queries.view, {.rerank = 0}, out));
    }

    TEST_CASE("damaged exact vectors fail the call that reads them, with file and offset") {
        test::BuiltIndex built;
        build_encoded(built, VectorEncoding::kSq8, Metric::kL2);
        const auto path = vectors_file(built);
        auto bytes = *io::read_file(path, 1U << 30U);
        for (std::size_t at = 4096 + 500; at < bytes.size(); at += 4096)
            bytes[at] ^= std::byte{8};
        REQUIRE(io::write_file(path, bytes));
        const auto index = Index::open(built.path(), {.thread_count = 1});
        REQUIRE(index);
        const auto queries = queries_for(built);
        std::vector<Neighbor> out(600);
        const Status status = index->search(queries.view, {}, out);
        REQUIRE_FALSE(status);
        CHECK(status.error().code == ErrorCode::kCorruption);
        CHECK(status.error().message.find(path.string() + ": offset ") == 0);
        CHECK(status.error().message.find("checksum") != std::string::npos);
        CHECK(index->search(queries.view, {.rerank = 0}, out));
        std::filesystem::remove(path);
        CHECK(Index::open(built.path()).error().message.find(".vectors") != std::string::npos);
    }
}
