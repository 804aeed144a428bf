#include "layouts/edge_code.h"

#include "base/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <set>
#include <vector>

using namespace trackway;
using layouts::EdgeCode;

namespace {

using Places = std::vector<std::uint32_t>;

constexpr std::uint64_t kLimits[] = {
    1, 2, 3, 255, 256, 1000, std::uint64_t{1} << 20U, std::uint64_t{1} << 32U};

// A buffer of exactly the bytes that a list may touch, so that sanitizers see one more.
std::vector<std::byte> room_for(std::size_t bits) {
    return std::vector<std::byte>(base::bytes_of_bits(bits) + base::kBitReadSlack, std::byte{0});
}

Places decoded(const EdgeCode& code, const std::vector<std::byte>& bytes, std::size_t bit,
               std::uint32_t degree) {
    Places places(degree);
    code.decode(bytes.data(), bit, degree, places.data());
    return places;
}

Places round_trip(const EdgeCode& code, const Places& places, std::size_t bit) {
    const auto degree = static_cast<std::uint32_t>(places.size());
    auto bytes = room_for(bit + code.bits(degree));
    code.encode(places, bytes.data(), bit);
    return decoded(code, bytes, bit, degree);
}

Places first_places(std::uint32_t degree) {
    Places places(degree);
    for (std::uint32_t i = 0; i < degree; ++i)
        places[i] = i;
    return places;
}

Places last_places(std::uint64_t limit, std::uint32_t degree) {
    Places places = first_places(degree);
    for (std::uint32_t& place : places)
        place = static_cast<std::uint32_t>(limit - degree + place);
    return places;
}

// Evenly spread, the first and the last place included.
Places spread_places(std::uint64_t limit, std::uint32_t degree) {
    Places places = first_places(degree);
    for (std::uint32_t& place : places)
        if (degree > 1) place = static_cast<std::uint32_t>(place * (limit - 1) / (degree - 1));
    return places;
}

Places random_places(std::uint64_t limit, std::uint32_t degree, base::Random& random) {
    std::set<std::uint32_t> chosen;
    while (chosen.size() < degree)
        chosen.insert(static_cast<std::uint32_t>(random.below(limit)));
    return {chosen.begin(), chosen.end()};
}

std::uint32_t largest_degree(std::uint64_t limit) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(limit, 255));
}

}  // namespace

TEST_SUITE("layouts") {
    TEST_CASE("a list of any degree comes back, whatever the limit of places") {
        base::Random random(1);
        for (const std::uint64_t limit : kLimits) {
            CAPTURE(limit);
            const EdgeCode code = EdgeCode::elias_fano(limit);
            CHECK(code.place_limit() == limit);
            CHECK(code.width() == 0);
            CHECK(code.bits(0) == 0);
            for (std::uint32_t degree = 0; degree <= largest_degree(limit); ++degree) {
                CAPTURE(degree);
                for (const Places& places :
                     {first_places(degree), last_places(limit, degree),
                      spread_places(limit, degree), random_places(limit, degree, random)}) {
                    REQUIRE(round_trip(code, places, 0) == places);
                    REQUIRE(round_trip(code, places, 5) == places);
                }
            }
        }
    }

    TEST_CASE("a list comes back from whatever bit it begins at") {
        base::Random random(2);
        for (const std::uint64_t limit : kLimits) {
            CAPTURE(limit);
            const EdgeCode code = EdgeCode::elias_fano(limit);
            for (const std::uint32_t wanted : {1U, 2U, 31U, 64U, 255U}) {
                const std::uint32_t degree = std::min(wanted, largest_degree(limit));
                const Places places = random_places(limit, degree, random);
                for (std::size_t bit = 0; bit < 70; ++bit) {
                    CAPTURE(bit);
                    REQUIRE(round_trip(code, places, bit) == places);
                    REQUIRE(round_trip(code, last_places(limit, degree), bit) ==
                            last_places(limit, degree));
                }
            }
        }
    }

    TEST_CASE("lists that follow one another take just the bits that their degrees say") {
        base::Random random(3);
        const EdgeCode code = EdgeCode::elias_fano(1000);
        std::vector<Places> lists;
        std::size_t bits = 3;
        for (std::uint32_t i = 0; i < 300; ++i) {
            const auto degree = static_cast<std::uint32_t>(random.below(256));
            lists.push_back(i % 3 == 0 ? last_places(1000, degree)
                                       : random_places(1000, degree, random));
            bits += code.bits(degree);
        }
        auto bytes = room_for(bits);
        std::size_t bit = 3;
        for (const Places& list : lists) {
            code.encode(list, bytes.data(), bit);
            bit += code.bits(static_cast<std::uint32_t>(list.size()));
        }
        CHECK(bit == bits);
        bit = 3;
        for (const Places& list : lists) {
            const auto degree = static_cast<std::uint32_t>(list.size());
            REQUIRE(decoded(code, bytes, bit, degree) == list);
            bit += code.bits(degree);
        }
    }

    TEST_CASE("an edge takes about two bits more than its share of the places has") {
        const std::uint64_t limit = std::uint64_t{1} << 20U;
        const EdgeCode code = EdgeCode::elias_fano(limit);
        for (const std::uint32_t degree : {1U, 16U, 64U, 128U}) {
            CAPTURE(degree);
            const auto low = static_cast<std::uint32_t>(std::bit_width(limit / degree)) - 1;
            CHECK(code.bits(degree) <= degree * (low + 2));
            CHECK(code.bits(degree) >= degree * (low + 1));
        }
        CHECK(code.bits(64) < 64 * 20);
    }

    TEST_CASE("a longer list never takes fewer bits") {
        for (std::uint64_t limit = 1; limit < 3000; ++limit) {
            const EdgeCode code = EdgeCode::elias_fano(limit);
            for (std::uint32_t degree = 1; degree < 256; ++degree) {
                if (code.bits(degree) >= code.bits(degree - 1)) continue;
                CAPTURE(limit);
                CAPTURE(degree);
                REQUIRE(code.bits(degree) >= code.bits(degree - 1));
            }
        }
    }

    TEST_CASE("a list without enough ones ends in numbers that are no places") {
        base::Random random(4);
        for (const std::uint64_t limit : kLimits) {
            CAPTURE(limit);
            const EdgeCode code = EdgeCode::elias_fano(limit);
            for (std::uint32_t degree = 1; degree <= largest_degree(limit); ++degree) {
                CAPTURE(degree);
                const std::size_t bit = random.below(60);
                const auto zeros = room_for(bit + code.bits(degree));
                REQUIRE(decoded(code, zeros, bit, degree) == Places(degree, UINT32_MAX));
                // The first half of the ones is there.
                const Places places = random_places(limit, degree, random);
                auto bytes = room_for(bit + code.bits(degree));
                code.encode(places, bytes.data(), bit);
                const std::size_t end = bit + code.bits(degree);
                std::uint32_t kept = degree;
                for (std::size_t at = end; at-- > bit && kept > degree / 2;) {
                    const std::byte mask = std::byte{1} << (at % 8);
                    if ((bytes[at / 8] & mask) == std::byte{0}) continue;
                    bytes[at / 8] ^= mask;
                    --kept;
                }
                const Places found = decoded(code, bytes, bit, degree);
                REQUIRE(std::equal(found.begin(), found.begin() + kept, places.begin()));
                REQUIRE(std::all_of(found.begin() + kept, found.end(),
                                    [](std::uint32_t place) { return place == UINT32_MAX; }));
            }
        }
    }

    TEST_CASE("bytes at random are decoded without looking beyond the list") {
        base::Random random(5);
        for (const std::uint64_t limit : kLimits) {
            const EdgeCode code = EdgeCode::elias_fano(limit);
            for (std::uint32_t degree = 0; degree < 256; ++degree) {
                const std::size_t bit = random.below(9);
                auto bytes = room_for(bit + code.bits(degree));
                for (std::byte& byte : bytes)
                    byte = static_cast<std::byte>(degree % 4 == 0 ? 255 : random.below(256));
                const Places found = decoded(code, bytes, bit, degree);
                // What lies behind the list does not matter.
                const std::size_t whole = (bit + code.bits(degree)) / 8;
                if (whole + 1 >= bytes.size()) continue;
                std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(whole) + 1, bytes.end(),
                          std::byte{0});
                REQUIRE(decoded(code, bytes, bit, degree) == found);
            }
        }
    }

    TEST_CASE("lists of format 1.0 have every place in the same number of bits") {
        base::Random random(6);
        for (const std::uint32_t width : {1U, 4U, 13U, 31U, 32U}) {
            CAPTURE(width);
            const EdgeCode code = EdgeCode::fixed_width(width);
            CHECK(code.width() == width);
            CHECK(code.place_limit() == std::uint64_t{1} << width);
            for (const std::uint32_t degree : {0U, 1U, 7U, 255U}) {
                CHECK(code.bits(degree) == degree * width);
                Places places(degree);  // in any order, also twice
                for (std::uint32_t& place : places)
                    place = static_cast<std::uint32_t>(random.below(code.place_limit()));
                const std::size_t bit = random.below(20);
                auto bytes = room_for(bit + code.bits(degree));
                for (std::uint32_t i = 0; i < degree; ++i)
                    base::write_bits(bytes.data(), bit + std::size_t{i} * width, width, places[i]);
                CHECK(decoded(code, bytes, bit, degree) == places);
            }
        }
    }
}
