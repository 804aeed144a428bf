#include "base/random.h"
#include "distance/distance.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace trackway::distance {
namespace {

constexpr std::uint64_t kSeed = 37;

std::int64_t expected_dot(const PackedNumbers& numbers, const std::vector<std::int16_t>& query) {
    const std::uint32_t mask = (1U << numbers.bits) - 1;
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < query.size(); ++i) {
        const std::size_t part = i / numbers.byte_count;
        const auto byte = std::uint32_t{numbers.bytes[i % numbers.byte_count]};
        sum += std::int64_t{byte >> (part * numbers.bits) & mask} * query[i];
    }
    return sum;
}

// Bytes and query stand in allocations of their exact size, so that the sanitizer sees a read
// beyond them.
void check_all_kernels(std::uint32_t bits, const std::vector<std::uint8_t>& bytes,
                       const std::vector<std::int16_t>& query) {
    const PackedNumbers numbers{bytes.data(), bytes.size(), bits};
    const std::int64_t expected = expected_dot(numbers, query);
    for (const KernelTable& table : available_kernels()) {
        CAPTURE(name_of(table.isa));
        CHECK(table.packed_dot(numbers, query.data()) == expected);
    }
}

TEST_SUITE("packed_dot") {
    TEST_CASE("every kernel gives the exact sum, for any number of bytes") {
        base::Random random(kSeed);
        for (const std::uint32_t bits : {1U, 2U, 4U}) {
            for (std::size_t size = 1; size <= 140; ++size) {
                CAPTURE(bits);
                CAPTURE(size);
                std::vector<std::uint8_t> bytes(size);
                for (std::uint8_t& byte : bytes)
                    byte = static_cast<std::uint8_t>(random.below(256));
                std::vector<std::int16_t> query(size * 8 / bits);
                for (std::int16_t& value : query)
                    value = static_cast<std::int16_t>(static_cast<int>(random.below(8191)) - 4095);
                check_all_kernels(bits, bytes, query);
            }
        }
    }

    TEST_CASE("the largest numbers of the largest dimension do not overflow") {
        for (const std::uint32_t bits : {1U, 2U, 4U}) {
            const std::vector<std::uint8_t> bytes(kMaxDimension * bits / 8, 0xFF);
            for (const std::int16_t value : {std::int16_t{4095}, std::int16_t{-4095}}) {
                CAPTURE(bits);
                check_all_kernels(bits, bytes, std::vector<std::int16_t>(kMaxDimension, value));
            }
        }
    }
}

}  // namespace
}  // namespace trackway::distance
