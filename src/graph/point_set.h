// The vectors of one shard in memory, as the graph measures them: an L2-like geometry in which
// pruning by alpha is sound for every metric.
#pragma once

#include "trackway/types.h"

#include "base/arena.h"
#include "distance/distance.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::graph {

// L2 and cosine are measured by their own kernels (cosine distance is half the squared L2 of the
// unit vectors). Inner product is turned into L2 by one more coordinate, sqrt(M^2 - |x|^2) with M
// the largest norm (Bachrach et al. 2014, section 3.1): nearest by it is largest by product for
// any query, whose own coordinate is 0.
class PointSet {
public:
    // rows must outlive the set.
    PointSet(MatrixView rows, Metric metric, const base::Arena& arena);

    std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(rows_.row_count); }
    const MatrixView& rows() const noexcept { return rows_; }

    // Some of the points, in this order, of which rows holds copies; it must outlive them.
    PointSet copied(std::span<const std::uint32_t> ids, const std::byte* rows) const;

    // out[i] = distance of points `point` and ids[i], in the graph's geometry.
    void distances(std::uint32_t point, std::span<const std::uint32_t> ids, float* out) const;

    // The same points, nearest by inner product: distances are minus the product. REQUIRES:
    // is_lifted().
    PointSet by_product() const;
    // Inner product as a distance; otherwise rows have no lengths here.
    bool is_lifted() const noexcept { return !lift_.empty(); }
    // Of each row.
    std::vector<float> lengths(const base::Arena& arena) const;

    // The point nearest to the mean of all (of the unit vectors under cosine); the smallest of
    // equals.
    std::uint32_t medoid(const base::Arena& arena) const;

private:
    PointSet() = default;

    // body(i, row i as distance::row_floats() gives it), in parallel over fixed blocks.
    template <class Body>
    void for_each_row(const base::Arena& arena, const Body& body) const;

    MatrixView rows_;
    Metric metric_ = Metric::kL2;
    distance::DistanceFn measure_ = nullptr;
    std::vector<float> lift_;  // the added coordinate; empty unless the metric is inner product
};

}  // namespace trackway::graph
