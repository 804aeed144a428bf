#include "base/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace trackway::base {
namespace {

TEST_SUITE("base") {
    TEST_CASE("the numbers are those of xoshiro256** seeded by splitmix64") {
        const std::uint64_t zero[] = {0x99ec5f36cb75f2b4U, 0xbf6e1f784956452aU, 0x1a5f849d4933e6e0U,
                                      0x6aa594f1262d2d2cU};
        const std::uint64_t other[] = {0x15780b2e0c2ec716U, 0x6104d9866d113a7eU,
                                       0xae17533239e499a1U, 0xecb8ad4703b360a1U};
        Random from_zero(0);
        Random from_other(42);
        for (std::size_t i = 0; i < 4; ++i) {
            CAPTURE(i);
            CHECK(from_zero() == zero[i]);
            CHECK(from_other() == other[i]);
        }
    }

    TEST_CASE("below stays in its range and favours no value") {
        for (const std::uint64_t bound : {1U, 2U, 3U, 7U, 10U, 100U}) {
            CAPTURE(bound);
            constexpr double kDraws = 50'000;
            Random random(11);
            std::vector<double> counts(bound);
            for (int i = 0; i < static_cast<int>(kDraws); ++i) {
                const std::uint64_t value = random.below(bound);
                REQUIRE(value < bound);
                ++counts[value];
            }
            const double expected = kDraws / static_cast<double>(bound);
            double chi_squared = 0;
            for (const double count : counts)
                chi_squared += (count - expected) * (count - expected) / expected;
            // Its mean is bound - 1 and its variance twice that: five deviations are far out.
            const auto freedom = static_cast<double>(bound - 1);
            CHECK(chi_squared <= freedom + 5 * std::sqrt(2 * freedom));
        }
    }

    TEST_CASE("below halves a range that is no power of two evenly, however large") {
        constexpr std::uint64_t kBound = (std::uint64_t{1} << 63U) + (std::uint64_t{1} << 62U);
        Random random(12);
        int low = 0;
        for (int i = 0; i < 20'000; ++i) {
            const std::uint64_t value = random.below(kBound);
            REQUIRE(value < kBound);
            low += value < kBound / 2 ? 1 : 0;
        }
        // A remainder without rejection would give five eighths here.
        CHECK(low > 9'600);
        CHECK(low < 10'400);
    }

    TEST_CASE("uniform numbers fill the unit interval") {
        Random random(13);
        double sum = 0;
        double least = 1;
        double most = 0;
        for (int i = 0; i < 20'000; ++i) {
            const double value = random.uniform();
            sum += value;
            least = std::min(least, value);
            most = std::max(most, value);
        }
        CHECK(least >= 0);
        CHECK(least < 0.001);
        CHECK(most < 1);
        CHECK(most > 0.999);
        CHECK(sum / 20'000 == doctest::Approx(0.5).epsilon(0.02));
    }

    TEST_CASE("normal numbers have the moments of a standard normal") {
        constexpr int kDraws = 50'000;
        Random random(14);
        double sum = 0;
        double squares = 0;
        double fourths = 0;
        for (int i = 0; i < kDraws; ++i) {
            const double value = random.normal();
            sum += value;
            squares += value * value;
            fourths += value * value * value * value;
        }
        CHECK(std::abs(sum / kDraws) < 0.03);
        CHECK(std::abs(squares / kDraws - 1) < 0.05);
        CHECK(std::abs(fourths / kDraws - 3) < 0.3);
    }

    TEST_CASE("a permutation holds every number once and depends on the seed alone") {
        for (const std::uint32_t count : {0U, 1U, 2U, 3U, 100U, 4097U}) {
            CAPTURE(count);
            Random random(15);
            Random same(15);
            auto order = random_permutation(count, random);
            CHECK(order == random_permutation(count, same));
            if (count >= 100) CHECK(order != random_permutation(count, random));
            if (count >= 100) CHECK(!std::is_sorted(order.begin(), order.end()));
            std::sort(order.begin(), order.end());
            std::vector<std::uint32_t> expected(count);
            std::iota(expected.begin(), expected.end(), 0U);
            CHECK(order == expected);
        }
    }

    TEST_CASE("all permutations of three are about as frequent") {
        Random random(16);
        std::vector<int> counts(27);
        for (int i = 0; i < 12'000; ++i) {
            const auto order = random_permutation(3, random);
            ++counts[order[0] * 9 + order[1] * 3 + order[2]];
        }
        int seen = 0;
        for (const int count : counts) {
            if (count == 0) continue;
            ++seen;
            CHECK(count > 1'800);
            CHECK(count < 2'200);
        }
        CHECK(seen == 6);
    }
}

}  // namespace
}  // namespace trackway::base
