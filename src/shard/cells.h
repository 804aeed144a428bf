// Small regions of space: the cells that shards are put together from. Each is what lies nearest to
// its centroid.
#pragma once

#include "trackway/types.h"

#include "base/arena.h"
#include "distance/distance.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::shard {

// Row-major float rows without gaps.
class Points {
public:
    Points() = default;
    Points(std::size_t count, std::uint32_t dimension)
        : dimension_(dimension), values_(count * dimension) {}

    std::size_t count() const noexcept { return dimension_ == 0 ? 0 : values_.size() / dimension_; }
    std::uint32_t dimension() const noexcept { return dimension_; }
    std::span<float> row(std::size_t i) noexcept {
        return std::span(values_).subspan(i * dimension_, dimension_);
    }
    std::span<const float> row(std::size_t i) const noexcept {
        return std::span(values_).subspan(i * dimension_, dimension_);
    }
    // The squared distances of one point to all rows.
    void distances(std::span<const float> point, std::span<float> out) const;

private:
    std::uint32_t dimension_ = 0;
    std::vector<float> values_;
};

// Rows of any type as floats; under cosine scaled to unit length.
Points float_points(const MatrixView& rows, Metric metric, const base::Arena& arena);

struct CellOptions {
    std::uint32_t count = 256;  // fewer where the sample has fewer different rows
    std::uint32_t iterations = 8;
    std::uint64_t seed = 1;
};

// Centroids by k-means: seeded by k-means++ (Arthur and Vassilvitskii 2007), then Lloyd's
// iterations; one that loses all its rows moves to the row farthest from its own. The same for any
// number of threads; unfinished when arena.stopped(). REQUIRES: at least one row.
Points train_cells(const Points& sample, const CellOptions& options, const base::Arena& arena);

// The nearest cell of each row, the smallest of equals.
std::vector<std::uint32_t> nearest_cells(const Points& rows, const Points& cells,
                                         const base::Arena& arena);

}  // namespace trackway::shard
