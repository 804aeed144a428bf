// Seeded vectors for tests.
#pragma once

#include "trackway/types.h"

#include "base/float16.h"
#include "base/random.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace trackway::test {

// Owns the bytes of a matrix. Values lie around a few centres, so that there is something to find.
struct Vectors {
    std::vector<std::byte> bytes;
    MatrixView view;
};

inline void store(ElementType type, float value, std::byte* out) {
    if (type == ElementType::kFloat32) {
        std::memcpy(out, &value, 4);
    } else if (type == ElementType::kFloat16) {
        const base::Float16 half = base::to_float16(value);
        std::memcpy(out, &half, 2);
    } else if (type == ElementType::kUint8) {
        *out = static_cast<std::byte>(static_cast<std::uint8_t>(std::fmin(255, value * 16 + 128)));
    } else {
        *out = static_cast<std::byte>(static_cast<std::int8_t>(std::fmin(127, value * 16)));
    }
}

inline Vectors random_vectors(std::uint64_t rows, std::uint32_t dimension, ElementType type,
                              std::uint64_t seed) {
    constexpr std::uint64_t kCentres = 10;
    base::Random centre_random(17);
    std::vector<float> centres(kCentres * dimension);
    for (float& value : centres)
        value = static_cast<float>(centre_random.normal());
    base::Random random(seed);
    Vectors vectors;
    const std::size_t size = element_size_bytes(type);
    vectors.bytes.resize(rows * dimension * size);
    for (std::uint64_t i = 0; i < rows; ++i) {
        const float* centre = centres.data() + random.below(kCentres) * dimension;
        for (std::uint32_t d = 0; d < dimension; ++d) {
            const auto value = static_cast<float>(double{centre[d]} + random.normal());
            store(type, std::fmax(-7.0F, value), vectors.bytes.data() + (i * dimension + d) * size);
        }
    }
    vectors.view = {vectors.bytes.data(), type, rows, dimension};
    return vectors;
}

}  // namespace trackway::test
