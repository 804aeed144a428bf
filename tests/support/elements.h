// Seeded rows of any element type, and what they hold as numbers.
#pragma once

#include "trackway/types.h"

#include "base/float16.h"
#include "base/random.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace trackway::test {

constexpr std::array<ElementType, 4> kElementTypes = {ElementType::kFloat32, ElementType::kFloat16,
                                                      ElementType::kUint8, ElementType::kInt8};
constexpr std::array<Metric, 3> kMetrics = {Metric::kL2, Metric::kInnerProduct, Metric::kCosine};

constexpr bool is_integer(ElementType type) {
    return type == ElementType::kUint8 || type == ElementType::kInt8;
}

template <class T>
void put(std::byte* to, T value) {
    std::memcpy(to, &value, sizeof value);
}

template <class T>
T get(const std::byte* from) {
    T value{};
    std::memcpy(&value, from, sizeof value);
    return value;
}

// Stores the element of this type that lies nearest to value, which it can hold.
inline void put_element(std::byte* to, ElementType type, double value) {
    switch (type) {
        case ElementType::kFloat32:
            return put(to, static_cast<float>(value));
        case ElementType::kFloat16:
            return put(to, base::to_float16(static_cast<float>(value)));
        case ElementType::kUint8:
            return put(to, static_cast<std::uint8_t>(value));
        case ElementType::kInt8:
            return put(to, static_cast<std::int8_t>(value));
    }
}

inline double get_element(const std::byte* from, ElementType type) {
    switch (type) {
        case ElementType::kFloat32:
            return double{get<float>(from)};
        case ElementType::kFloat16:
            return double{base::to_float(get<base::Float16>(from))};
        case ElementType::kUint8:
            return static_cast<double>(get<std::uint8_t>(from));
        case ElementType::kInt8:
            return static_cast<double>(get<std::int8_t>(from));
    }
    return 0;
}

// Normal numbers, or bytes of the whole range of the type.
inline void fill_random(std::span<std::byte> out, ElementType type, base::Random& random) {
    const std::size_t size = element_size_bytes(type);
    for (std::size_t i = 0; i < out.size(); i += size) {
        double value = random.normal();
        if (type == ElementType::kUint8) value = static_cast<double>(random.below(256));
        if (type == ElementType::kInt8) value = static_cast<double>(random.below(256)) - 128;
        put_element(out.data() + i, type, value);
    }
}

inline std::vector<std::byte> random_elements(ElementType type, std::size_t count,
                                              base::Random& random) {
    std::vector<std::byte> bytes(count * element_size_bytes(type));
    fill_random(bytes, type, random);
    return bytes;
}

inline std::vector<float> random_floats(std::size_t count, base::Random& random) {
    std::vector<float> values(count);
    for (float& value : values)
        value = static_cast<float>(random.normal());
    return values;
}

}  // namespace trackway::test
