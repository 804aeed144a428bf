#include "base/checksum.h"

#include "base/errors.h"
#include "base/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace trackway::base {
namespace {

std::vector<std::byte> random_bytes(std::size_t size) {
    Random random(3);
    std::vector<std::byte> bytes(size);
    for (std::byte& byte : bytes)
        byte = static_cast<std::byte>(random.below(256));
    return bytes;
}

Checksum streamed(std::span<const std::byte> bytes, std::size_t piece, std::uint64_t seed) {
    Checksum checksum(seed);
    for (std::size_t i = 0; i < bytes.size(); i += piece)
        checksum.update(bytes.subspan(i, std::min(piece, bytes.size() - i)));
    return checksum;
}

TEST_SUITE("base") {
    TEST_CASE("the checksums of nothing are those that XXH3 publishes") {
        CHECK(hex(checksum64({})) == "2d06800538d394c2");
        CHECK(hex(Checksum().digest64()) == "2d06800538d394c2");
        constexpr std::array<std::uint8_t, 16> kEmpty = {0x99, 0xaa, 0x06, 0xd3, 0x01, 0x47,
                                                         0x98, 0xd8, 0x60, 0x01, 0xc3, 0x24,
                                                         0x46, 0x8d, 0x49, 0x7f};
        CHECK(Checksum().digest128() == kEmpty);
    }

    TEST_CASE("bytes in pieces of odd sizes hash like the same bytes at once") {
        const auto bytes = random_bytes(20'000);
        for (const std::size_t size : {1U, 3U, 16U, 17U, 128U, 129U, 240U, 241U, 1025U, 20'000U}) {
            const auto part = std::span(bytes).first(size);
            for (const std::uint64_t seed :
                 {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
                const auto whole = streamed(part, size, seed).digest128();
                for (const std::size_t piece : {1U, 3U, 61U, 255U, 257U, 1023U, 4099U}) {
                    CAPTURE(size);
                    CAPTURE(seed);
                    CAPTURE(piece);
                    const Checksum pieces = streamed(part, piece, seed);
                    CHECK(pieces.digest64() == checksum64(part, seed));
                    CHECK(pieces.digest128() == whole);
                }
            }
        }
    }

    TEST_CASE("the seed and every single byte change the checksum") {
        auto bytes = random_bytes(300);
        std::set<std::uint64_t> seen = {checksum64(bytes), checksum64(bytes, 1),
                                        checksum64(bytes, 2)};
        for (std::byte& byte : bytes) {
            byte ^= std::byte{1};
            seen.insert(checksum64(bytes));
            byte ^= std::byte{1};
        }
        CHECK(seen.size() == 3 + bytes.size());
        CHECK(seen.contains(checksum64(bytes)));
        CHECK(streamed(bytes, 300, 1).digest128() != streamed(bytes, 300, 2).digest128());
    }

    TEST_CASE("a digest may be taken in between, and an empty piece changes nothing") {
        const auto bytes = random_bytes(1000);
        Checksum checksum(9);
        checksum.update(std::span(bytes).first(500));
        CHECK(checksum.digest64() == checksum64(std::span(bytes).first(500), 9));
        checksum.update({});
        checksum.update(std::span(bytes).subspan(500));
        CHECK(checksum.digest64() == checksum64(bytes, 9));
        CHECK(checksum.digest64() == checksum.digest64());
    }

    TEST_CASE("a moved checksum goes on where the old one stopped") {
        const auto bytes = random_bytes(1000);
        Checksum first = streamed(std::span(bytes).first(333), 100, 4);
        Checksum second = std::move(first);
        Checksum third;
        third = std::move(second);
        third.update(std::span(bytes).subspan(333));
        CHECK(third.digest64() == checksum64(bytes, 4));
    }
}

}  // namespace
}  // namespace trackway::base
