#include "build/navigation_stage.h"

#include "graph/point_set.h"
#include "support/random_vectors.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

using namespace trackway;
using builder::build_navigation;
using builder::kNavigationDegree;
using builder::NavigationRows;

namespace {

constexpr std::size_t kStride = kNavigationDegree + 2;

std::vector<std::uint32_t> sample_of(const NavigationRows& rows) {
    std::vector<std::uint32_t> sample;
    for (std::size_t at = 0; at < rows.size(); at += kStride)
        sample.push_back(rows[at]);
    std::sort(sample.begin(), sample.end());
    return sample;
}

NavigationRows rows_of(const MatrixView& vectors, std::span<const float> strength,
                       std::uint64_t seed = 1, std::uint32_t threads = 2) {
    const base::Arena arena(threads);
    return build_navigation(vectors, Metric::kL2, strength, seed, arena);
}

// Rows that a walk from row 0 reaches; REQUIREs that every number is one of a row.
std::size_t reached(const NavigationRows& rows) {
    const std::size_t count = rows.size() / kStride;
    std::vector<bool> met(count, false);
    std::vector<std::uint32_t> order = {0};
    met[0] = true;
    for (std::size_t next = 0; next < order.size(); ++next) {
        const std::uint32_t* row = rows.data() + order[next] * kStride;
        REQUIRE(row[1] <= kNavigationDegree);
        for (std::uint32_t i = 0; i < row[1]; ++i) {
            REQUIRE(row[2 + i] < count);
            REQUIRE(row[2 + i] != order[next]);
            if (met[row[2 + i]]) continue;
            met[row[2 + i]] = true;
            order.push_back(row[2 + i]);
        }
    }
    return order.size();
}

}  // namespace

TEST_SUITE("build") {
    TEST_CASE("one vertex in a hundred is in the navigation graph, each once, all within reach") {
        for (const std::uint64_t count : {1U, 99U, 100U, 101U, 5000U}) {
            CAPTURE(count);
            const auto vectors = test::random_vectors(count, 8, ElementType::kFloat32, 1);
            const NavigationRows rows = rows_of(vectors.view, {});
            REQUIRE(rows.size() == (count + 99) / 100 * kStride);
            const auto sample = sample_of(rows);
            CHECK(std::adjacent_find(sample.begin(), sample.end()) == sample.end());
            CHECK(sample.back() < count);
            CHECK(reached(rows) == sample.size());
        }
    }

    TEST_CASE("row 0 is the entry point: the medoid of the sample") {
        for (std::uint64_t seed = 1; seed <= 5; ++seed) {
            const auto vectors = test::random_vectors(4000, 8, ElementType::kFloat32, seed);
            const NavigationRows rows = rows_of(vectors.view, {}, seed);
            const auto sample = sample_of(rows);
            std::vector<std::byte> bytes;
            for (const std::uint32_t vertex : sample) {
                const std::byte* row = vectors.view.row(vertex);
                bytes.insert(bytes.end(), row, row + vectors.view.row_bytes());
            }
            const base::Arena arena(1);
            const graph::PointSet points({bytes.data(), ElementType::kFloat32, sample.size(), 8},
                                         Metric::kL2, arena);
            CHECK(rows[0] == sample[points.medoid(arena)]);
        }
    }

    TEST_CASE("neighbours of a row lie near it") {
        const auto vectors = test::random_vectors(20'000, 4, ElementType::kFloat32, 3);
        const NavigationRows rows = rows_of(vectors.view, {});
        const std::size_t count = rows.size() / kStride;
        const base::Arena arena(1);
        const graph::PointSet points(vectors.view, Metric::kL2, arena);
        const auto sample = sample_of(rows);
        std::vector<float> all(count), joined;
        std::size_t nearest_joined = 0;
        for (std::size_t row = 0; row < count; ++row) {
            const std::uint32_t* fields = rows.data() + row * kStride;
            points.distances(fields[0], sample, all.data());
            std::nth_element(all.begin(), all.begin() + 1, all.end());  // [0]: itself
            std::vector<std::uint32_t> vertices;
            for (std::uint32_t i = 0; i < fields[1]; ++i)
                vertices.push_back(rows[fields[2 + i] * kStride]);
            joined.resize(vertices.size());
            points.distances(fields[0], vertices, joined.data());
            REQUIRE_FALSE(joined.empty());
            nearest_joined += *std::min_element(joined.begin(), joined.end()) <= all[1];
        }
        CHECK(nearest_joined > count * 9 / 10);
    }

    TEST_CASE("the sample follows strength") {
        const auto vectors = test::random_vectors(20'000, 4, ElementType::kFloat32, 1);
        std::vector<float> strength(20'000, 0);
        std::fill(strength.begin(), strength.begin() + 2000, 10.0F);
        const auto strong = [](const NavigationRows& rows) {
            const auto sample = sample_of(rows);
            return std::count_if(sample.begin(), sample.end(),
                                 [](std::uint32_t vertex) { return vertex < 2000; });
        };
        CHECK(strong(rows_of(vectors.view, {})) < 40);         // 20 of 200 on the mean
        CHECK(strong(rows_of(vectors.view, strength)) > 100);  // 130
        CHECK(strong(rows_of(vectors.view, strength)) < 170);  // weak ones have a chance, too
        CHECK(rows_of(vectors.view, std::vector<float>(20'000, 0)) == rows_of(vectors.view, {}));
    }

    TEST_CASE("the graph depends on the seed and on no number of threads") {
        const auto vectors = test::random_vectors(5000, 8, ElementType::kUint8, 1);
        const NavigationRows one = rows_of(vectors.view, {}, 1, 1);
        CHECK(one == rows_of(vectors.view, {}, 1, 2));
        CHECK(one == rows_of(vectors.view, {}, 1, 4));
        CHECK(one != rows_of(vectors.view, {}, 2, 1));
    }

    TEST_CASE("rows get the places of their vertices") {
        const auto vectors = test::random_vectors(2000, 4, ElementType::kFloat32, 1);
        const NavigationRows rows = rows_of(vectors.view, {});
        std::vector<LocalId> place;
        for (std::uint32_t v = 0; v < 2000; ++v)
            place.push_back(LocalId{5000 - 2 * v});
        const NavigationRows placed = builder::navigation_places(rows, place);
        REQUIRE(placed.size() == rows.size());
        for (std::size_t at = 0; at < rows.size(); ++at)
            CHECK(placed[at] == (at % kStride == 0 ? 5000 - 2 * rows[at] : rows[at]));
    }
}
