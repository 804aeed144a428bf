// IEEE 754 binary16 as stored in files: conversion to and from float, rounding to nearest even.
#pragma once

#include <bit>
#include <cstdint>

namespace trackway::base {

struct Float16 {
    std::uint16_t bits;
};
static_assert(sizeof(Float16) == 2);

constexpr float to_float(Float16 half) noexcept {
    const std::uint32_t sign = static_cast<std::uint32_t>(half.bits & 0x8000U) << 16U;
    const std::uint32_t exponent = (half.bits >> 10U) & 0x1fU;
    std::uint32_t mantissa = half.bits & 0x3ffU;
    if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000U | (mantissa << 13U));
    if (exponent != 0) {
        return std::bit_cast<float>(sign | ((exponent + 112) << 23U) | (mantissa << 13U));
    }
    // A subnormal half is mantissa x 2^-24, which every float holds exactly.
    const float magnitude = static_cast<float>(mantissa) * 0x1.0p-24F;
    return sign != 0 ? -magnitude : magnitude;
}

constexpr Float16 to_float16(float value) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = (bits >> 16U) & 0x8000U;
    const std::uint32_t magnitude = bits & 0x7fffffffU;
    std::uint32_t half = 0;
    if (magnitude > 0x7f800000U) {
        half = 0x7e00U;  // NaN
    } else if (magnitude >= 0x477ff000U) {
        half = 0x7c00U;  // rounds beyond 65504: infinity
    } else if (magnitude >= 0x38800000U) {
        half = (magnitude - 0x38000000U + 0xfffU + ((magnitude >> 13U) & 1U)) >> 13U;
    } else {
        // Adding 0.5 leaves mantissa x 2^-24, rounded to even, in the low bits.
        const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
        half = std::bit_cast<std::uint32_t>(shifted) - 0x3f000000U;
    }
    return Float16{static_cast<std::uint16_t>(sign | half)};
}

// False for NaN and infinity.
constexpr bool is_finite(Float16 half) noexcept {
    return (half.bits & 0x7c00U) != 0x7c00U;
}

}  // namespace trackway::base
