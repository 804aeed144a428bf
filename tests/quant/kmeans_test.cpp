#include "quant/kmeans.h"

#include "support/elements.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <stop_token>
#include <vector>

namespace trackway::quant {
namespace {

using distance::kCodewords;
using Row = std::vector<float>;

constexpr std::uint64_t kSeed = 71;

std::vector<Row> centroids_of(const std::vector<float>& codebook, std::uint32_t dimension) {
    REQUIRE(codebook.size() == std::size_t{dimension} * kCodewords);
    std::vector<Row> centroids(kCodewords, Row(dimension));
    for (std::size_t c = 0; c < kCodewords; ++c) {
        for (std::size_t d = 0; d < dimension; ++d)
            centroids[c][d] = codebook[d * kCodewords + c];
    }
    return centroids;
}

double squared_distance(const float* a, const Row& b) {
    double sum = 0;
    for (std::size_t d = 0; d < b.size(); ++d)
        sum += (double{a[d]} - double{b[d]}) * (double{a[d]} - double{b[d]});
    return sum;
}

std::size_t nearest(const float* row, const std::vector<Row>& centroids) {
    std::size_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t c = 0; c < centroids.size(); ++c) {
        const double distance = squared_distance(row, centroids[c]);
        if (distance < least) best = c;
        least = std::min(least, distance);
    }
    return best;
}

// Mean squared distance of the rows to their nearest centroids.
double distortion(const FloatRows& rows, const std::vector<float>& codebook) {
    const auto centroids = centroids_of(codebook, rows.dimension);
    double sum = 0;
    for (std::size_t i = 0; i < rows.count(); ++i)
        sum += squared_distance(rows.row(i), centroids[nearest(rows.row(i), centroids)]);
    return sum / static_cast<double>(rows.count());
}

std::set<Row> distinct_rows(const FloatRows& rows) {
    std::set<Row> distinct;
    for (std::size_t i = 0; i < rows.count(); ++i)
        distinct.emplace(rows.row(i), rows.row(i) + rows.dimension);
    return distinct;
}

std::set<Row> distinct_centroids(const std::vector<float>& codebook, std::uint32_t dimension) {
    const auto centroids = centroids_of(codebook, dimension);
    return {centroids.begin(), centroids.end()};
}

TEST_SUITE("quant") {
    TEST_CASE("training gives the same centroids on any number of threads") {
        base::Random random(kSeed);
        const auto values = test::random_floats(std::size_t{9'500} * 3, random);
        const FloatRows rows{values, 3};
        const auto train = [&](std::uint32_t threads, std::uint64_t seed) {
            return train_codebook(rows, {.iterations = 4, .seed = seed}, base::Arena(threads));
        };
        const auto one = train(1, 1);
        CHECK(train(1, 1) == one);
        CHECK(train(2, 1) == one);
        CHECK(train(3, 1) == one);
        CHECK(train(1, 2) != one);
    }

    TEST_CASE("without iterations the centroids are distinct rows") {
        base::Random random(kSeed + 1);
        const auto values = test::random_floats(std::size_t{1000} * 4, random);
        const FloatRows rows{values, 4};
        const auto centroids =
            distinct_centroids(train_codebook(rows, {.iterations = 0}, base::Arena(1)), 4);
        const auto all = distinct_rows(rows);
        CHECK(centroids.size() == kCodewords);
        CHECK(std::includes(all.begin(), all.end(), centroids.begin(), centroids.end()));
    }

    TEST_CASE("with no more rows than centroids the centroids are the rows") {
        base::Random random(kSeed + 2);
        for (const std::uint32_t dimension : {1U, 3U, 8U}) {
            for (const std::size_t count : {1U, 2U, 3U, 100U, 255U, 256U}) {
                CAPTURE(dimension);
                CAPTURE(count);
                const auto values = test::random_floats(count * dimension, random);
                const FloatRows rows{values, dimension};
                const auto codebook = train_codebook(rows, {.iterations = 5}, base::Arena(2));
                CHECK(distinct_centroids(codebook, dimension) == distinct_rows(rows));
            }
        }
    }

    TEST_CASE("equal rows give equal centroids") {
        for (const std::size_t count : {1U, 300U, 5000U}) {
            CAPTURE(count);
            const std::vector<float> values(count * 2, 0.1F);
            const auto codebook = train_codebook({values, 2}, {.iterations = 3}, base::Arena(2));
            CHECK(codebook == std::vector<float>(std::size_t{2} * kCodewords, 0.1F));
        }
    }

    TEST_CASE("a few distinct rows, each repeated, all become centroids") {
        base::Random random(kSeed + 3);
        const auto distinct = test::random_floats(200, random);
        std::vector<float> values;
        for (std::size_t i = 0; i < 9'000; ++i)
            values.push_back(distinct[random.below(distinct.size())]);
        const FloatRows rows{values, 1};
        REQUIRE(distinct_rows(rows).size() == 200);
        const auto codebook = train_codebook(rows, {.iterations = 5}, base::Arena(2));
        CHECK(distinct_centroids(codebook, 1) == distinct_rows(rows));
    }

    TEST_CASE("spare centroids move to rare rows that were not drawn") {
        std::vector<float> values(4'000, 0.0F);
        for (std::size_t i = 0; i < 8; ++i)
            values[i * 499] = static_cast<float>(i + 1);
        const FloatRows rows{values, 1};
        const auto codebook = train_codebook(rows, {.iterations = 10}, base::Arena(1));
        CHECK(distinct_centroids(codebook, 1) == distinct_rows(rows));
    }

    TEST_CASE("every iteration brings the centroids nearer to the rows") {
        base::Random random(kSeed + 4);
        const auto values = test::random_floats(std::size_t{2'000} * 2, random);
        const FloatRows rows{values, 2};
        double previous = std::numeric_limits<double>::infinity();
        for (const std::uint32_t iterations : {0U, 1U, 2U, 5U, 20U}) {
            CAPTURE(iterations);
            const double now =
                distortion(rows, train_codebook(rows, {.iterations = iterations}, base::Arena(2)));
            CHECK(now < previous);
            previous = now;
        }
    }

    TEST_CASE("in the end every centroid is the mean of its rows") {
        base::Random random(kSeed + 5);
        const auto values = test::random_floats(std::size_t{700} * 2, random);
        const FloatRows rows{values, 2};
        const auto centroids =
            centroids_of(train_codebook(rows, {.iterations = 60}, base::Arena(2)), 2);
        std::vector<double> sums(std::size_t{2} * kCodewords);
        std::vector<double> counts(kCodewords);
        for (std::size_t i = 0; i < rows.count(); ++i) {
            const std::size_t c = nearest(rows.row(i), centroids);
            ++counts[c];
            sums[2 * c] += double{rows.row(i)[0]};
            sums[2 * c + 1] += double{rows.row(i)[1]};
        }
        std::size_t wrong = 0;
        for (std::size_t c = 0; c < kCodewords; ++c) {
            if (counts[c] == 0) continue;
            const Row mean = {static_cast<float>(sums[2 * c] / counts[c]),
                              static_cast<float>(sums[2 * c + 1] / counts[c])};
            wrong += squared_distance(mean.data(), centroids[c]) < 1e-10 ? 0 : 1;
        }
        CHECK(wrong == 0);
        CHECK(std::count(counts.begin(), counts.end(), 0.0) == 0);
    }

    TEST_CASE("a stop leaves unfinished centroids of the right size") {
        std::stop_source source;
        source.request_stop();
        base::Random random(kSeed + 6);
        const auto values = test::random_floats(std::size_t{1000} * 2, random);
        const FloatRows rows{values, 2};
        const auto stopped =
            train_codebook(rows, {.iterations = 10}, base::Arena(2, source.get_token()));
        CHECK(stopped == train_codebook(rows, {.iterations = 0}, base::Arena(2)));
    }
}

}  // namespace
}  // namespace trackway::quant
