#include "distance/distance.h"
#include "support/elements.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace trackway::distance {
namespace {

constexpr std::uint64_t kSeed = 31;

// The sum that codebook_l2 or codebook_inner_product promises, and the size of its terms.
struct Score {
    double value = 0;
    double size = 0;
};

Score expected_score(bool inner_product, const std::vector<float>& vector,
                     const std::vector<float>& codewords, std::size_t codeword) {
    Score score;
    for (std::size_t i = 0; i < vector.size(); ++i) {
        const double x = vector[i];
        const double c = codewords[i * kCodewords + codeword];
        const double term = inner_product ? -x * c : (x - c) * (x - c);
        score.value += term;
        score.size += std::abs(term);
    }
    return score;
}

void check_scores(const KernelTable& table, const std::vector<float>& vector,
                  const std::vector<float>& codewords) {
    const Codebook codebook{codewords.data(), static_cast<std::uint32_t>(vector.size())};
    for (const bool inner_product : {false, true}) {
        std::vector<float> out(kCodewords);
        const auto scores = inner_product ? table.codebook_inner_product : table.codebook_l2;
        scores(vector.data(), codebook, out.data());
        std::size_t wrong = 0;
        for (std::size_t c = 0; c < kCodewords; ++c) {
            const Score expected = expected_score(inner_product, vector, codewords, c);
            wrong += std::abs(double{out[c]} - expected.value) <= 1e-5 * expected.size ? 0 : 1;
        }
        CAPTURE(inner_product);
        CHECK(wrong == 0);
    }
}

// Small whole numbers, whose squares every kernel sums exactly.
std::vector<float> whole_numbers(std::size_t count, base::Random& random) {
    std::vector<float> values(count);
    for (float& value : values)
        value = static_cast<float>(random.below(3)) - 1;
    return values;
}

std::uint32_t first_nearest(const std::vector<float>& vector, const std::vector<float>& codewords) {
    std::uint32_t best = 0;
    for (std::uint32_t c = 1; c < kCodewords; ++c) {
        if (expected_score(false, vector, codewords, c).value <
            expected_score(false, vector, codewords, best).value) {
            best = c;
        }
    }
    return best;
}

TEST_SUITE("distance") {
    TEST_CASE("scores of codewords agree with exact sums at every dimension") {
        base::Random random(kSeed);
        std::vector<std::uint32_t> dimensions = {64, 96, 100, 127, 1536};
        for (std::uint32_t dimension = 1; dimension <= 33; ++dimension)
            dimensions.push_back(dimension);
        for (const std::uint32_t dimension : dimensions) {
            const auto vector = test::random_floats(dimension, random);
            const auto codewords = test::random_floats(std::size_t{dimension} * kCodewords, random);
            for (const KernelTable& table : available_kernels()) {
                CAPTURE(name_of(table.isa));
                CAPTURE(dimension);
                check_scores(table, vector, codewords);
            }
        }
    }

    TEST_CASE("the nearest codeword is no farther than any other") {
        base::Random random(kSeed + 1);
        for (const std::uint32_t dimension : {1U, 2U, 3U, 4U, 7U, 16U, 48U}) {
            const auto codewords = test::random_floats(std::size_t{dimension} * kCodewords, random);
            for (int round = 0; round < 20; ++round) {
                const auto vector = test::random_floats(dimension, random);
                const std::uint32_t nearest = first_nearest(vector, codewords);
                const double least = expected_score(false, vector, codewords, nearest).value;
                for (const KernelTable& table : available_kernels()) {
                    CAPTURE(name_of(table.isa));
                    CAPTURE(dimension);
                    const auto found =
                        table.nearest_codeword(vector.data(), {codewords.data(), dimension});
                    REQUIRE(found < kCodewords);
                    CHECK(expected_score(false, vector, codewords, found).value <=
                          least * (1 + 1e-5));
                }
            }
        }
    }

    TEST_CASE("of equally near codewords the smallest number wins") {
        base::Random random(kSeed + 2);
        for (const std::uint32_t dimension : {1U, 2U, 3U, 5U}) {
            for (int round = 0; round < 25; ++round) {
                const auto codewords = whole_numbers(std::size_t{dimension} * kCodewords, random);
                const auto vector = whole_numbers(dimension, random);
                const std::uint32_t expected = first_nearest(vector, codewords);
                for (const KernelTable& table : available_kernels()) {
                    CAPTURE(name_of(table.isa));
                    CAPTURE(dimension);
                    CHECK(table.nearest_codeword(vector.data(), {codewords.data(), dimension}) ==
                          expected);
                }
            }
        }
    }

    TEST_CASE("two equally near codewords are told apart in any two places") {
        base::Random random(kSeed + 3);
        std::vector<float> codewords(kCodewords, 5.0F);
        const float vector = 1;
        for (std::uint32_t first = 0; first < kCodewords; ++first) {
            for (int round = 0; round < 12; ++round) {
                const auto second = static_cast<std::uint32_t>(random.below(kCodewords));
                codewords[first] = 2;  // as far from 1 as 0 is
                codewords[second] = 0;
                for (const KernelTable& table : available_kernels()) {
                    CAPTURE(name_of(table.isa));
                    CAPTURE(first);
                    CAPTURE(second);
                    CHECK(table.nearest_codeword(&vector, {codewords.data(), 1}) ==
                          std::min(first, second));
                }
                codewords[first] = codewords[second] = 5;
            }
        }
    }

    TEST_CASE("of equal codewords the first is nearest") {
        const std::vector<float> codewords(std::size_t{3} * kCodewords, 0.25F);
        const std::vector<float> vector = {1, -2, 3};
        for (const KernelTable& table : available_kernels()) {
            CAPTURE(name_of(table.isa));
            CHECK(table.nearest_codeword(vector.data(), {codewords.data(), 3}) == 0);
        }
    }
}

}  // namespace
}  // namespace trackway::distance
