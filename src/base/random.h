// The only source of randomness: a seeded generator whose numbers are the same on every platform.
#pragma once

#include "base/assert.h"

#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace trackway::base {

// xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64.
class Random {
public:
    using result_type = std::uint64_t;

    explicit Random(std::uint64_t seed) noexcept {
        for (std::uint64_t& word : state_) {
            seed += 0x9e3779b97f4a7c15U;
            std::uint64_t z = seed;
            z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
            z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
            word = z ^ (z >> 31U);
        }
    }

    static constexpr result_type min() noexcept { return 0; }
    static constexpr result_type max() noexcept { return ~result_type{0}; }

    result_type operator()() noexcept {
        const std::uint64_t result = rotate(state_[1] * 5U, 7) * 9U;
        const std::uint64_t t = state_[1] << 17U;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= t;
        state_[3] = rotate(state_[3], 45);
        return result;
    }

    // Uniform in [0, bound). REQUIRES: bound > 0.
    std::uint64_t below(std::uint64_t bound) noexcept {
        TRACKWAY_ASSERT(bound > 0);
        const std::uint64_t threshold =
            (0 - bound) % bound;  // reject, so that no value is favoured
        for (;;) {
            const std::uint64_t value = (*this)();
            if (value >= threshold) return value % bound;
        }
    }

    // Uniform in [0, 1).
    double uniform() noexcept { return static_cast<double>((*this)() >> 11U) * 0x1.0p-53; }

    // Standard normal, by Marsaglia's polar method.
    double normal() noexcept {
        for (;;) {
            const double u = 2 * uniform() - 1;
            const double v = 2 * uniform() - 1;
            const double s = u * u + v * v;
            if (s > 0 && s < 1) return u * std::sqrt(-2 * std::log(s) / s);
        }
    }

private:
    static constexpr std::uint64_t rotate(std::uint64_t x, unsigned k) noexcept {
        return (x << k) | (x >> (64U - k));
    }
    std::uint64_t state_[4] = {};
};

// A seeded permutation of 0 .. count-1 (Fisher and Yates).
inline std::vector<std::uint32_t> random_permutation(std::uint32_t count, Random& random) {
    std::vector<std::uint32_t> order(count);
    std::iota(order.begin(), order.end(), 0U);
    for (std::uint32_t i = count; i > 1; --i)
        std::swap(order[i - 1], order[static_cast<std::size_t>(random.below(i))]);
    return order;
}

}  // namespace trackway::base
