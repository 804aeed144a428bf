#include "element_conversion.h"

#include "base/float16.h"

#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

namespace trackway::tools {
namespace {

template <class T>
float read_element(const std::byte* from) {
    T value{};
    std::memcpy(&value, from, sizeof value);
    if constexpr (std::is_same_v<T, base::Float16>) {
        return base::to_float(value);
    } else {
        return static_cast<float>(value);
    }
}

// False when the target does not hold the value.
template <class T>
bool write_element(float value, std::byte* to) {
    T converted{};
    if constexpr (std::is_same_v<T, float>) {
        converted = value;
    } else if constexpr (std::is_same_v<T, base::Float16>) {
        converted = base::to_float16(value);
        if (!base::is_finite(converted)) return false;
    } else {
        if (value < std::numeric_limits<T>::min() || value > std::numeric_limits<T>::max()) {
            return false;
        }
        converted = static_cast<T>(value);
        if (static_cast<float>(converted) != value) return false;
    }
    std::memcpy(to, &converted, sizeof converted);
    return true;
}

using Reader = float (*)(const std::byte*);
using Writer = bool (*)(float, std::byte*);

Reader reader_of(ElementType type) {
    switch (type) {
        case ElementType::kFloat16:
            return read_element<base::Float16>;
        case ElementType::kUint8:
            return read_element<std::uint8_t>;
        case ElementType::kInt8:
            return read_element<std::int8_t>;
        case ElementType::kFloat32:
            break;
    }
    return read_element<float>;
}

Writer writer_of(ElementType type) {
    switch (type) {
        case ElementType::kFloat16:
            return write_element<base::Float16>;
        case ElementType::kUint8:
            return write_element<std::uint8_t>;
        case ElementType::kInt8:
            return write_element<std::int8_t>;
        case ElementType::kFloat32:
            break;
    }
    return write_element<float>;
}

}  // namespace

std::optional<std::size_t> convert_elements(std::span<const std::byte> from, ElementType from_type,
                                            ElementType to_type, std::vector<std::byte>& to) {
    const std::size_t from_size = element_size_bytes(from_type);
    const std::size_t to_size = element_size_bytes(to_type);
    const Reader read = reader_of(from_type);
    const Writer write = writer_of(to_type);
    const std::size_t count = from.size() / from_size;
    to.resize(count * to_size);
    for (std::size_t i = 0; i < count; ++i) {
        if (!write(read(from.data() + i * from_size), to.data() + i * to_size)) return i;
    }
    return std::nullopt;
}

}  // namespace trackway::tools
