// How the edges of one vertex stand in a page's bit stream: a sorted list of places in Elias-Fano
// form (Elias 1974; Vigna 2013, "Quasi-succinct indices", section 3), or, in format 1.0, each place
// in the same number of bits.
#pragma once

#include "base/assert.h"
#include "base/bits.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace trackway::layouts {

class EdgeCode {
public:
    EdgeCode() = default;

    // Places are less than place_limit. A list of n takes n low parts of l = log2(place_limit / n)
    // bits, rounded down, then the high parts in unary: about 2 bits above log2(place_limit / n)
    // for each edge.
    static EdgeCode elias_fano(std::uint64_t place_limit) {
        TRACKWAY_ASSERT(place_limit > 0 && place_limit <= (std::uint64_t{1} << 32U));
        EdgeCode code;
        code.place_limit_ = place_limit;
        for (std::size_t n = 1; n < code.bits_.size(); ++n) {
            const std::uint64_t share = place_limit / n;
            const std::uint32_t low =
                share == 0 ? 0 : static_cast<std::uint32_t>(std::bit_width(share)) - 1;
            code.low_[n] = static_cast<std::uint8_t>(low);
            code.bits_[n] = static_cast<std::uint32_t>(n * low + n + ((place_limit - 1) >> low));
        }
        return code;
    }

    // Every edge in `width` bits, at most 32: format 1.0.
    static EdgeCode fixed_width(std::uint32_t width) {
        EdgeCode code;
        code.width_ = width;
        code.place_limit_ = std::uint64_t{1} << width;
        for (std::size_t n = 1; n < code.bits_.size(); ++n)
            code.bits_[n] = static_cast<std::uint32_t>(n) * width;
        return code;
    }

    std::uint64_t place_limit() const noexcept { return place_limit_; }
    // 0: Elias-Fano.
    std::uint32_t width() const noexcept { return width_; }
    // Of a list of `degree` places.
    std::uint32_t bits(std::uint32_t degree) const noexcept { return bits_[degree]; }

    // REQUIRES: Elias-Fano; places sorted, distinct, less than place_limit(); the bits zero so far.
    void encode(std::span<const std::uint32_t> places, std::byte* bytes, std::size_t bit) const {
        TRACKWAY_ASSERT(width_ == 0 && places.size() < bits_.size());
        const std::uint32_t low = low_[places.size()];
        const std::size_t high = bit + places.size() * low;
        for (std::size_t i = 0; i < places.size(); ++i) {
            TRACKWAY_ASSERT(places[i] < place_limit_ && (i == 0 || places[i - 1] < places[i]));
            const std::uint64_t mask = (std::uint64_t{1} << low) - 1;
            base::write_bits(bytes, bit + i * low, low,
                             static_cast<std::uint32_t>(places[i] & mask));
            base::write_bits(bytes, high + i + (std::uint64_t{places[i]} >> low), 1, 1);
        }
    }

    // Writes `degree` places to out; UINT32_MAX for those that a damaged list does not have.
    void decode(const std::byte* bytes, std::size_t bit, std::uint32_t degree,
                std::uint32_t* out) const noexcept {
        if (width_ != 0) {
            for (std::uint32_t i = 0; i < degree; ++i)
                out[i] = base::read_bits(bytes, bit + std::size_t{i} * width_, width_);
            return;
        }
        const std::uint32_t low = low_[degree];
        const std::size_t high = bit + std::size_t{degree} * low;
        const std::size_t end = bit + bits_[degree];
        std::uint32_t i = 0;
        for (std::size_t at = high; at < end && i < degree; at += kStep) {
            std::uint64_t word = 0;
            std::memcpy(&word, bytes + at / 8, sizeof word);
            word >>= at % 8;
            const std::size_t valid = end - at < kStep ? end - at : kStep;
            word &= (std::uint64_t{1} << valid) - 1;
            for (; word != 0 && i < degree; word &= word - 1, ++i) {
                const std::size_t one =
                    at - high + static_cast<std::size_t>(std::countr_zero(word));
                out[i] = static_cast<std::uint32_t>((one - i) << low) |
                         base::read_bits(bytes, bit + std::size_t{i} * low, low);
            }
        }
        for (; i < degree; ++i)
            out[i] = UINT32_MAX;
    }

private:
    static constexpr std::size_t kStep = 56;  // bits that a word has whatever bit it begins at

    std::uint64_t place_limit_ = 0;
    std::uint32_t width_ = 0;
    std::array<std::uint8_t, 256> low_{};
    std::array<std::uint32_t, 256> bits_{};
};

}  // namespace trackway::layouts
