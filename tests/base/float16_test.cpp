#include "base/float16.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

namespace trackway::base {
namespace {

constexpr std::uint32_t kHalfCount = 65536;
constexpr std::uint32_t kInfinity = 0x7c00;

Float16 half_of(std::uint32_t bits) {
    return Float16{static_cast<std::uint16_t>(bits)};
}

bool is_nan(std::uint32_t bits) {
    return (bits & 0x7fffU) > kInfinity;
}

// What the bits mean by IEEE 754, in double; infinity counts as the power of two in its place.
double meaning(std::uint32_t bits) {
    const int exponent = static_cast<int>((bits >> 10U) & 0x1fU);
    const auto mantissa = static_cast<double>(bits & 0x3ffU);
    const double magnitude =
        exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    return (bits & 0x8000U) != 0 ? -magnitude : magnitude;
}

static_assert(to_float16(1.0F).bits == 0x3c00);
static_assert(to_float(Float16{0xc000}) == -2.0F);

TEST_SUITE("base") {
    TEST_CASE("every half that is a number means what IEEE 754 says") {
        for (std::uint32_t bits = 0; bits < kHalfCount; ++bits) {
            if ((bits & kInfinity) == kInfinity) continue;
            const float value = to_float(half_of(bits));
            if (double{value} != meaning(bits) || std::signbit(value) != (bits >= 0x8000)) {
                FAIL_CHECK("half ", bits, " became ", value);
            }
        }
        CHECK(to_float(half_of(kInfinity)) == std::numeric_limits<float>::infinity());
        CHECK(to_float(half_of(0xfc00)) == -std::numeric_limits<float>::infinity());
    }

    TEST_CASE("every half survives the way to float and back") {
        for (std::uint32_t bits = 0; bits < kHalfCount; ++bits) {
            const float value = to_float(half_of(bits));
            const std::uint32_t back = to_float16(value).bits;
            const bool same = is_nan(bits) ? std::isnan(value) && is_nan(back) : back == bits;
            if (!same) FAIL_CHECK("half ", bits, " came back as ", back);
        }
    }

    TEST_CASE("a float between two halves goes to the nearer, and from the middle to the even") {
        for (std::uint32_t low = 0; low < kInfinity; ++low) {
            const auto middle = static_cast<float>((meaning(low) + meaning(low + 1)) / 2);
            const std::uint32_t even = low % 2 == 0 ? low : low + 1;
            for (const std::uint32_t sign : {0x0000U, 0x8000U}) {
                const auto convert = [sign](float magnitude) {
                    return std::uint32_t{to_float16(sign != 0 ? -magnitude : magnitude).bits};
                };
                const bool right = convert(middle) == (sign | even) &&
                                   convert(std::nextafter(middle, 0.0F)) == (sign | low) &&
                                   convert(std::nextafter(middle, 1e9F)) == (sign | (low + 1));
                if (!right) FAIL_CHECK("wrong rounding above half ", sign | low);
            }
        }
    }

    TEST_CASE("known floats become the known halves") {
        const std::pair<float, std::uint32_t> known[] = {
            {0.0F, 0x0000},       {-0.0F, 0x8000},      {0.1F, 0x2e66},       {1.0F / 3, 0x3555},
            {2049.0F, 0x6800},    {2051.0F, 0x6802},    {65504.0F, 0x7bff},   {65519.996F, 0x7bff},
            {65520.0F, 0x7c00},   {-65520.0F, 0xfc00},  {1e30F, 0x7c00},      {0x1.0p-14F, 0x0400},
            {0x1.0p-24F, 0x0001}, {0x1.8p-24F, 0x0002}, {0x1.0p-25F, 0x0000}, {1e-40F, 0x0000},
            {-1e-40F, 0x8000}};
        for (const auto& pair : known) {
            const float value = pair.first;
            CAPTURE(value);
            CHECK(to_float16(value).bits == pair.second);
        }
        constexpr float kInfinite = std::numeric_limits<float>::infinity();
        CHECK(to_float16(kInfinite).bits == 0x7c00);
        CHECK(to_float16(-kInfinite).bits == 0xfc00);
    }

    TEST_CASE("no NaN turns into an infinity, whatever its payload") {
        for (const std::uint32_t bits : {0x7f800001U, 0x7fc00000U, 0xffffffffU, 0xff801000U}) {
            CAPTURE(bits);
            const Float16 half = to_float16(std::bit_cast<float>(bits));
            CHECK(is_nan(half.bits));
            CHECK((half.bits >> 15U) == (bits >> 31U));
        }
    }

    TEST_CASE("only NaN and infinity are not finite") {
        for (std::uint32_t bits = 0; bits < kHalfCount; ++bits) {
            if (is_finite(half_of(bits)) != std::isfinite(to_float(half_of(bits)))) {
                FAIL_CHECK("wrong answer for half ", bits);
            }
        }
    }
}

}  // namespace
}  // namespace trackway::base
