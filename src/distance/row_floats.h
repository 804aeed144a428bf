// Rows of any element type as floats.
#pragma once

#include "trackway/types.h"

#include <cstddef>
#include <span>

namespace trackway::distance {

// out = the row's elements; scaled to unit length where the metric is cosine, which compares
// directions only (a zero vector stays zero).
void row_floats(const std::byte* row, ElementType type, Metric metric, std::span<float> out);

// Sum of squares, in double.
double squared_norm(std::span<const float> values) noexcept;

}  // namespace trackway::distance
