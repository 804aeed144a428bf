#include "base/bits.h"

#include "base/random.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace trackway::base {
namespace {

// Just as many bytes as the last access may touch.
std::vector<std::byte> bytes_for(std::size_t last_bit) {
    return std::vector<std::byte>(last_bit / 8 + kBitReadSlack);
}

std::uint64_t read_bit_by_bit(const std::vector<std::byte>& bytes, std::size_t bit,
                              std::uint32_t width) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i) {
        const auto byte = std::to_integer<std::uint64_t>(bytes[(bit + i) / 8]);
        value |= ((byte >> ((bit + i) % 8)) & 1U) << i;
    }
    return value;
}

std::uint32_t random_value(std::uint32_t width, Random& random) {
    return static_cast<std::uint32_t>(random() & ((std::uint64_t{1} << width) - 1));
}

// Packs random values of one width from a bit on, and reads them back.
void check_packing(std::size_t offset, std::uint32_t width, Random& random) {
    constexpr std::size_t kValues = 21;
    auto bytes = bytes_for(offset + (kValues - 1) * width);
    std::vector<std::uint32_t> values;
    for (std::size_t i = 0; i < kValues; ++i) {
        values.push_back(random_value(width, random));
        write_bits(bytes.data(), offset + i * width, width, values[i]);
    }
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < kValues; ++i) {
        const std::size_t bit = offset + i * width;
        wrong += read_bits(bytes.data(), bit, width) == values[i] ? 0 : 1;
        wrong += read_bit_by_bit(bytes, bit, width) == values[i] ? 0 : 1;
    }
    CHECK(wrong == 0);
}

TEST_SUITE("base") {
    TEST_CASE("values of every width come back from every offset") {
        constexpr std::uint64_t kSeed = 5;
        Random random(kSeed);
        for (std::uint32_t width = 0; width <= 32; ++width) {
            for (std::size_t offset = 0; offset < 65; ++offset) {
                CAPTURE(kSeed);
                CAPTURE(width);
                CAPTURE(offset);
                check_packing(offset, width, random);
            }
        }
    }

    TEST_CASE("writing leaves the bits before and after alone") {
        for (std::uint32_t width = 1; width <= 32; ++width) {
            for (std::size_t offset = 1; offset < 20; ++offset) {
                CAPTURE(width);
                CAPTURE(offset);
                const auto all_ones = static_cast<std::uint32_t>((std::uint64_t{1} << width) - 1);
                auto bytes = bytes_for(offset + width);
                write_bits(bytes.data(), offset, width, all_ones);
                std::size_t set = 0;
                for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit)
                    set += read_bit_by_bit(bytes, bit, 1);
                CHECK(set == width);
                CHECK(read_bits(bytes.data(), offset - 1, 1) == 0);
                CHECK(read_bits(bytes.data(), offset, width) == all_ones);
            }
        }
    }

    TEST_CASE("the least significant bit comes first") {
        auto bytes = bytes_for(12);
        write_bits(bytes.data(), 0, 3, 0b101);
        write_bits(bytes.data(), 3, 9, 0b1'0000'0011);
        CHECK(bytes[0] == std::byte{0b0001'1101});
        CHECK(bytes[1] == std::byte{0b0000'1000});
    }

    TEST_CASE("the width of a largest value is the bits that it takes") {
        CHECK(bit_width_of(0) == 0);
        CHECK(bit_width_of(1) == 1);
        CHECK(bit_width_of(255) == 8);
        CHECK(bit_width_of(256) == 9);
        CHECK(bit_width_of(UINT32_MAX) == 32);
        CHECK(bit_width_of(std::uint64_t{UINT32_MAX} + 1) == 33);
        CHECK(bytes_of_bits(0) == 0);
        CHECK(bytes_of_bits(1) == 1);
        CHECK(bytes_of_bits(8) == 1);
        CHECK(bytes_of_bits(9) == 2);
    }
}

}  // namespace
}  // namespace trackway::base
