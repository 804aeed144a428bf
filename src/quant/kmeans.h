// Seeded k-means over float rows, the same for any number of threads.
#pragma once

#include "base/arena.h"
#include "distance/distance.h"

#include <cstdint>
#include <span>
#include <vector>

namespace trackway::quant {

struct KmeansOptions {
    std::uint32_t iterations = 10;
    std::uint64_t seed = 1;
};

// Row-major float rows without gaps.
struct FloatRows {
    std::span<const float> values;
    std::uint32_t dimension = 0;

    std::size_t count() const noexcept { return values.size() / dimension; }
    const float* row(std::size_t i) const noexcept { return values.data() + i * dimension; }
};

// Trains distance::kCodewords centroids by Lloyd's iterations from distinct random rows; a
// centroid that loses all its rows moves to the row farthest from its own. With no more distinct
// rows than centroids, the centroids are those rows and the rest repeat them. Returns the
// centroids transposed: dimension x kCodewords. Stops early, unfinished, when arena.stopped().
// REQUIRES: at least one row.
std::vector<float> train_codebook(const FloatRows& rows, const KmeansOptions& options,
                                  const base::Arena& arena);

}  // namespace trackway::quant
