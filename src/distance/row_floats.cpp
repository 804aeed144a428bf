#include "distance/row_floats.h"

#include "base/float16.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

namespace trackway::distance {
namespace {

template <class T>
void widen(const std::byte* row, std::span<float> out) noexcept {
    for (std::size_t i = 0; i < out.size(); ++i) {
        T value{};
        std::memcpy(&value, row + i * sizeof(T), sizeof(T));
        if constexpr (std::is_same_v<T, base::Float16>) {
            out[i] = base::to_float(value);
        } else {
            out[i] = static_cast<float>(value);
        }
    }
}

}  // namespace

void row_floats(const std::byte* row, ElementType type, Metric metric, std::span<float> out) {
    switch (type) {
        case ElementType::kFloat32:
            widen<float>(row, out);
            break;
        case ElementType::kFloat16:
            widen<base::Float16>(row, out);
            break;
        case ElementType::kUint8:
            widen<std::uint8_t>(row, out);
            break;
        case ElementType::kInt8:
            widen<std::int8_t>(row, out);
            break;
    }
    const double norm = metric == Metric::kCosine ? squared_norm(out) : 0;
    if (static_cast<float>(norm) == 0) return;
    const auto scale = static_cast<float>(1 / std::sqrt(norm));
    for (float& value : out)
        value *= scale;
}

UnfitLength first_unfit_length(const MatrixView& rows, Metric metric) {
    if (rows.element_type != ElementType::kFloat32) return {rows.row_count};
    std::vector<float> values(rows.dimension);
    for (std::uint64_t i = 0; i < rows.row_count; ++i) {
        row_floats(rows.row(i), rows.element_type, Metric::kL2, values);
        const double norm = squared_norm(values);
        if (!(norm <= kSquaredNormMax))
            return {i, "expected a squared length of at most 1e37, found more"};
        if (metric == Metric::kCosine && norm > 0 && norm < kSquaredNormLeast)
            return {i, "expected a squared length of 0 or at least 1e-37, found less"};
    }
    return {rows.row_count};
}

double squared_norm(std::span<const float> values) noexcept {
    double sum = 0;
    for (const float value : values)
        sum += double{value} * double{value};
    return sum;
}

}  // namespace trackway::distance
