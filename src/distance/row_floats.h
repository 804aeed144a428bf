// Rows of any element type as floats.
#pragma once

#include "trackway/types.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace trackway::distance {

// out = the row's elements; scaled to unit length where the metric is cosine, which compares
// directions only (a zero vector stays as it is).
void row_floats(const std::byte* row, ElementType type, Metric metric, std::span<float> out);

// The kernels work in float: a squared length beyond the one could overflow in them, one below the
// other, but for 0, loses its digits, and a direction with it.
constexpr double kSquaredNormMax = 1e37;
constexpr double kSquaredNormLeast = 1e-37;

struct UnfitLength {
    std::uint64_t row = 0;  // the row count: all fit
    const char* what = "";  // for people
};

// The first row whose squared length exceeds kSquaredNormMax, or, where directions are compared, is
// neither 0 nor as much as kSquaredNormLeast.
UnfitLength first_unfit_length(const MatrixView& rows, Metric metric);

// Sum of squares, in double.
double squared_norm(std::span<const float> values) noexcept;

}  // namespace trackway::distance
