#include "graph/point_set.h"

#include "base/assert.h"
#include "distance/row_floats.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace trackway::graph {
namespace {

constexpr std::size_t kBlock = 8192;

}  // namespace

template <class Body>
void PointSet::for_each_row(const base::Arena& arena, const Body& body) const {
    arena.parallel_for(count(), kBlock, [&](std::size_t begin, std::size_t end, auto) {
        std::vector<float> row(rows_.dimension);
        for (std::size_t i = begin; i < end; ++i) {
            distance::row_floats(rows_.row(i), rows_.element_type, metric_, row);
            body(i, std::span<const float>(row));
        }
    });
}

PointSet::PointSet(MatrixView rows, Metric metric, const base::Arena& arena)
    : rows_(rows), metric_(metric) {
    const Metric measured = metric == Metric::kInnerProduct ? Metric::kL2 : metric;
    measure_ = distance::distance_function(measured, rows.element_type);
    if (metric != Metric::kInnerProduct) return;
    std::vector<double> norms(count());
    for_each_row(arena, [&](std::size_t i, std::span<const float> row) {
        norms[i] = distance::squared_norm(row);
    });
    const double largest = *std::max_element(norms.begin(), norms.end());
    lift_.resize(count());
    for (std::size_t i = 0; i < lift_.size(); ++i)
        lift_[i] = static_cast<float>(std::sqrt(largest - norms[i]));
}

PointSet PointSet::copied(std::span<const std::uint32_t> ids, const std::byte* rows) const {
    PointSet some;
    some.rows_ = {rows, rows_.element_type, ids.size(), rows_.dimension};
    some.metric_ = metric_;
    some.measure_ = measure_;
    if (lift_.empty()) return some;
    for (const std::uint32_t id : ids)
        some.lift_.push_back(lift_[id]);
    return some;
}

PointSet PointSet::by_product() const {
    PointSet points;
    points.rows_ = rows_;
    points.metric_ = metric_;
    points.measure_ = distance::distance_function(Metric::kInnerProduct, rows_.element_type);
    return points;
}

std::vector<float> PointSet::lengths(const base::Arena& arena) const {
    std::vector<float> lengths(count());
    for_each_row(arena, [&](std::size_t i, std::span<const float> row) {
        lengths[i] = static_cast<float>(std::sqrt(distance::squared_norm(row)));
    });
    return lengths;
}

void PointSet::distances(std::uint32_t point, std::span<const std::uint32_t> ids,
                         float* out) const {
    measure_(rows_.row(point), {rows_.data, rows_.row_bytes(), ids.data(), ids.size()},
             rows_.dimension, out);
    if (lift_.empty()) return;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const float difference = lift_[point] - lift_[ids[i]];
        out[i] += difference * difference;
    }
}

std::uint32_t PointSet::medoid(const base::Arena& arena) const {
    const std::size_t blocks = (count() + kBlock - 1) / kBlock;
    std::vector<std::vector<double>> sums(blocks, std::vector<double>(rows_.dimension, 0));
    for_each_row(arena, [&](std::size_t i, std::span<const float> row) {
        std::vector<double>& sum = sums[i / kBlock];
        for (std::size_t d = 0; d < row.size(); ++d)
            sum[d] += double{row[d]};
    });
    std::vector<double> mean(rows_.dimension, 0);
    for (const auto& sum : sums) {
        for (std::size_t d = 0; d < mean.size(); ++d)
            mean[d] += sum[d] / count();
    }
    std::vector<double> distances(count());
    for_each_row(arena, [&](std::size_t i, std::span<const float> row) {
        for (std::size_t d = 0; d < row.size(); ++d) {
            const double difference = double{row[d]} - mean[d];
            distances[i] += difference * difference;
        }
    });
    const auto nearest = std::min_element(distances.begin(), distances.end());
    return static_cast<std::uint32_t>(nearest - distances.begin());
}

}  // namespace trackway::graph
