#include "shard/cells.h"

#include "base/assert.h"
#include "base/random.h"
#include "distance/row_floats.h"

#include <algorithm>

namespace trackway::shard {
namespace {

constexpr std::size_t kBlock = 256;

// The nearest cell of each row, the smallest of equals, and the distance to it.
void find_nearest(const Points& rows, const Points& cells, const base::Arena& arena,
                  std::span<std::uint32_t> nearest, std::span<float> distances) {
    arena.parallel_for(rows.count(), kBlock, [&](std::size_t begin, std::size_t end, auto) {
        std::vector<float> found(cells.count());
        for (std::size_t i = begin; i < end; ++i) {
            cells.distances(rows.row(i), found);
            const auto least = std::min_element(found.begin(), found.end());
            nearest[i] = static_cast<std::uint32_t>(least - found.begin());
            distances[i] = *least;
        }
    });
}

class Trainer {
public:
    Trainer(const Points& sample, const CellOptions& options, const base::Arena& arena)
        : sample_(sample),
          options_(options),
          arena_(arena),
          random_(options.seed),
          cell_of_(sample.count()),
          distances_(sample.count()) {}

    Points run() {
        seed();
        for (std::uint32_t i = 0; i < options_.iterations && !arena_.stopped(); ++i) {
            find_nearest(sample_, cells_, arena_, cell_of_, distances_);
            move();
        }
        return std::move(cells_);
    }

private:
    // Each next centroid is a row, drawn with a chance that grows with its squared distance to the
    // centroids before; there are no more of them than different rows.
    void seed() {
        const std::size_t rows = sample_.count();
        std::vector<std::size_t> chosen = {static_cast<std::size_t>(random_.below(rows))};
        measure(chosen.back(), true);
        while (chosen.size() < std::min<std::size_t>(options_.count, rows) && !arena_.stopped()) {
            double sum = 0;
            for (const float distance : distances_)
                sum += double{distance};
            if (sum <= 0) break;
            double left = random_.uniform() * sum;
            std::size_t next = rows;
            for (std::size_t i = 0; i < rows && left >= 0; ++i) {
                if (distances_[i] <= 0) continue;
                next = i;
                left -= double{distances_[i]};
            }
            chosen.push_back(next);
            measure(next, false);
        }
        cells_ = Points(chosen.size(), sample_.dimension());
        for (std::size_t c = 0; c < chosen.size(); ++c)
            std::ranges::copy(sample_.row(chosen[c]), cells_.row(c).begin());
    }

    // Distances to the nearest centroid, now that row `centroid` is one.
    void measure(std::size_t centroid, bool first) {
        const auto measure = distance::distance_function(Metric::kL2, ElementType::kFloat32);
        arena_.parallel_for(sample_.count(), kBlock, [&](std::size_t begin, std::size_t end, auto) {
            std::vector<float> found(end - begin);
            const void* base = sample_.row(begin).data();
            measure(sample_.row(centroid).data(),
                    {static_cast<const std::byte*>(base), sample_.dimension() * sizeof(float),
                     nullptr, end - begin},
                    sample_.dimension(), found.data());
            for (std::size_t i = begin; i < end; ++i) {
                distances_[i] =
                    first ? found[i - begin] : std::min(distances_[i], found[i - begin]);
            }
        });
    }

    // Sums in the order of rows, so that threads do not matter.
    void move() {
        if (arena_.stopped()) return;
        const std::uint32_t dimension = sample_.dimension();
        std::vector<double> sums(cells_.count() * dimension, 0);
        std::vector<std::uint32_t> counts(cells_.count(), 0);
        for (std::size_t i = 0; i < sample_.count(); ++i) {
            const auto row = sample_.row(i);
            double* sum = sums.data() + std::size_t{cell_of_[i]} * dimension;
            for (std::uint32_t d = 0; d < dimension; ++d)
                sum[d] += double{row[d]};
            ++counts[cell_of_[i]];
        }
        for (std::size_t c = 0; c < cells_.count(); ++c) {
            const auto centroid = cells_.row(c);
            if (counts[c] == 0) {
                const auto farthest = std::max_element(distances_.begin(), distances_.end());
                std::ranges::copy(
                    sample_.row(static_cast<std::size_t>(farthest - distances_.begin())),
                    centroid.begin());
                *farthest = 0;
                continue;
            }
            for (std::uint32_t d = 0; d < dimension; ++d)
                centroid[d] = static_cast<float>(sums[c * dimension + d] / counts[c]);
        }
    }

    const Points& sample_;
    CellOptions options_;
    const base::Arena& arena_;
    base::Random random_;
    Points cells_;
    std::vector<std::uint32_t> cell_of_;
    std::vector<float> distances_;  // of each row to its centroid
};

}  // namespace

void Points::distances(std::span<const float> point, std::span<float> out) const {
    const void* base = values_.data();
    distance::distance_function(Metric::kL2, ElementType::kFloat32)(
        point.data(),
        {static_cast<const std::byte*>(base), dimension_ * sizeof(float), nullptr, count()},
        dimension_, out.data());
}

Points float_points(const MatrixView& rows, Metric metric, const base::Arena& arena) {
    Points points(rows.row_count, rows.dimension);
    arena.parallel_for(rows.row_count, kBlock, [&](std::size_t begin, std::size_t end, auto) {
        for (std::size_t i = begin; i < end; ++i)
            distance::row_floats(rows.row(i), rows.element_type, metric, points.row(i));
    });
    return points;
}

Points train_cells(const Points& sample, const CellOptions& options, const base::Arena& arena) {
    TRACKWAY_ASSERT(sample.count() > 0 && options.count > 0);
    return Trainer(sample, options, arena).run();
}

std::vector<std::uint32_t> nearest_cells(const Points& rows, const Points& cells,
                                         const base::Arena& arena) {
    std::vector<std::uint32_t> nearest(rows.count());
    std::vector<float> distances(rows.count());
    find_nearest(rows, cells, arena, nearest, distances);
    return nearest;
}

}  // namespace trackway::shard
