// Rows of any element type as floats.
#pragma once

#include "trackway/types.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace trackway::distance {

// out = the row's elements; scaled to unit length where the metric is cosine, which compares
// directions only (a zero vector, or one so short that its squared length is 0 as a float, stays
// as it is).
void row_floats(const std::byte* row, ElementType type, Metric metric, std::span<float> out);

// The kernels work in float: a squared length beyond this could overflow in them.
constexpr double kSquaredNormMax = 1e37;

// The first row whose squared length exceeds kSquaredNormMax; the row count when there is none.
std::uint64_t first_row_too_long(const MatrixView& rows);

// Sum of squares, in double.
double squared_norm(std::span<const float> values) noexcept;

}  // namespace trackway::distance
