// Unsigned integers of 0 to 32 bits each, packed without gaps, least significant bit first.
#pragma once

#include "base/assert.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace trackway::base {

static_assert(std::endian::native == std::endian::little, "big-endian hosts are unsupported");

// Bits that hold every value of 0 .. largest.
constexpr std::uint32_t bit_width_of(std::uint64_t largest) noexcept {
    return static_cast<std::uint32_t>(std::bit_width(largest));
}

constexpr std::size_t bytes_of_bits(std::size_t bits) noexcept {
    return (bits + 7) / 8;
}

// Reading touches up to 8 bytes from the one that holds the first bit.
constexpr std::size_t kBitReadSlack = 8;

// REQUIRES: kBitReadSlack readable bytes from byte bit / 8 on; width at most 32.
inline std::uint32_t read_bits(const std::byte* bytes, std::size_t bit,
                               std::uint32_t width) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + bit / 8, sizeof word);
    return static_cast<std::uint32_t>((word >> (bit % 8)) & ((std::uint64_t{1} << width) - 1));
}

// REQUIRES: as read_bits, the bits so far zero, value < 2^width.
inline void write_bits(std::byte* bytes, std::size_t bit, std::uint32_t width,
                       std::uint32_t value) noexcept {
    TRACKWAY_ASSERT(width <= 32 && std::uint64_t{value} < (std::uint64_t{1} << width));
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + bit / 8, sizeof word);
    word |= std::uint64_t{value} << (bit % 8);
    std::memcpy(bytes + bit / 8, &word, sizeof word);
}

}  // namespace trackway::base
