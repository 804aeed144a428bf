// Encodings whose range is decided by one number, or that have no digits left where rows lie far
// from 0: a build ended well, and a search found next to nothing.
#include "trackway/index.h"

#include "base/random.h"
#include "support/built_index.h"
#include "support/elements.h"
#include "support/true_nearest.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

using namespace trackway;

namespace {

constexpr std::uint32_t kRows = 2000;
constexpr std::uint32_t kDimension = 24;
constexpr std::uint32_t kQueries = 50;

using Change = std::function<double(std::uint32_t row, std::uint32_t d, double value)>;

test::Vectors changed(std::uint32_t rows, std::uint64_t seed, const Change& change) {
    base::Random random(seed);
    test::Vectors vectors;
    vectors.bytes.resize(std::size_t{rows} * kDimension * sizeof(float));
    vectors.view = {vectors.bytes.data(), ElementType::kFloat32, rows, kDimension};
    for (std::uint32_t row = 0; row < rows; ++row) {
        for (std::uint32_t d = 0; d < kDimension; ++d) {
            test::put_element(
                vectors.bytes.data() + (std::size_t{row} * kDimension + d) * sizeof(float),
                ElementType::kFloat32, change(row, d, random.normal()));
        }
    }
    return vectors;
}

Result<BuildReport> build_encoded(test::BuiltIndex& built, VectorEncoding encoding,
                                  const Change& change, bool accept_lossy = false) {
    built.vectors = changed(kRows, 1, change);
    built.options = {.vectors = built.folder / "base.npy",
                     .index_dir = built.folder / "index",
                     .workload = built.folder / "workload.npy",
                     .layout = {.encoding = encoding, .accept_lossy = accept_lossy},
                     .code_type = CodeType::kPq,
                     .thread_count = 2};
    test::write_vectors(built.options.vectors, built.vectors);
    test::write_vectors(built.options.workload, changed(300, 2, change));
    return build(built.options);
}

double recall_of(const test::BuiltIndex& built, const Change& change) {
    const auto index = test::expect_value(Index::open(built.path(), {.thread_count = 1}));
    const auto queries = changed(kQueries, 3, change);
    std::vector<Neighbor> found(kQueries * 10);
    test::expect_ok(index.search(queries.view, {.k = 10, .search_list_size = 100}, found));
    std::int64_t hits = 0;
    for (std::uint32_t q = 0; q < kQueries; ++q) {
        const float kth =
            test::true_nearest(built.vectors.view, queries.view.row(q), Metric::kL2, 10)
                .back()
                .distance;
        hits += std::count_if(found.begin() + q * 10, found.begin() + q * 10 + 10,
                              [&](const Neighbor& n) { return n.distance <= kth; });
    }
    return static_cast<double>(hits) / (10.0 * kQueries);
}

}  // namespace

TEST_SUITE("regress") {
    TEST_CASE("sq8 finds the nearest in spite of one huge number") {
        const Change outlier = [](std::uint32_t row, std::uint32_t d, double value) {
            return row == 1013 && d == 7 ? 1e6 : value;
        };
        test::BuiltIndex built;
        test::expect_value(build_encoded(built, VectorEncoding::kSq8, outlier));
        CHECK(recall_of(built, outlier) >= 0.98);
    }

    TEST_CASE("float16 finds the nearest of rows far from 0") {
        const Change far = [](std::uint32_t, std::uint32_t, double value) { return value + 3000; };
        test::BuiltIndex built;
        test::expect_value(build_encoded(built, VectorEncoding::kFloat16, far));
        CHECK(recall_of(built, far) >= 0.98);
    }

    TEST_CASE("sq8 finds the nearest where one column has other units, by more exact vectors") {
        const Change column = [](std::uint32_t, std::uint32_t d, double value) {
            return d == 0 ? 1e4 * value : value;
        };
        test::BuiltIndex built;
        test::expect_value(build_encoded(built, VectorEncoding::kSq8, column));
        CHECK(recall_of(built, column) >= 0.95);
    }

    TEST_CASE("an encoding that loses the nearest is refused unless it is asked for") {
        // Too many for outliers: what is left of the others is one code.
        const Change far_group = [](std::uint32_t row, std::uint32_t d, double value) {
            return row % 33 == 0 && d == 0 ? 1e7 * value : value;
        };
        test::BuiltIndex built;
        const auto refused = build_encoded(built, VectorEncoding::kSq8, far_group);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == ErrorCode::kInvalidArgument);
        CHECK(refused.error().message.find("expected at least 0.9") != std::string::npos);
        CHECK_FALSE(std::filesystem::exists(built.path() / "manifest.json"));
        test::BuiltIndex lossy;
        test::expect_value(build_encoded(lossy, VectorEncoding::kSq8, far_group, true));
        CHECK(recall_of(lossy, far_group) < 0.9);
    }
}
