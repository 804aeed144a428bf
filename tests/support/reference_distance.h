// Distances by plain sums, of vectors as codecs see them.
#pragma once

#include "trackway/types.h"

#include "distance/row_floats.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::test {

// Rows as floats, under cosine of unit length.
inline std::vector<float> prepared_rows(Metric metric, const std::vector<float>& raw,
                                        std::uint32_t dimension) {
    std::vector<float> rows(raw.size());
    for (std::size_t i = 0; i < raw.size(); i += dimension) {
        const auto row = std::as_bytes(std::span(raw).subspan(i, dimension));
        distance::row_floats(row.data(), ElementType::kFloat32, metric,
                             std::span(rows).subspan(i, dimension));
    }
    return rows;
}

// What the distance kernels compute, for vectors that are prepared already.
inline double exact_distance(Metric metric, std::span<const float> a, std::span<const float> b) {
    double l2 = 0;
    double dot = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        l2 += (double{a[i]} - double{b[i]}) * (double{a[i]} - double{b[i]});
        dot += double{a[i]} * double{b[i]};
    }
    if (metric == Metric::kL2) return l2;
    return metric == Metric::kCosine ? 1 - dot : -dot;
}

}  // namespace trackway::test
