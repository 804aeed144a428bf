#include "shard/grouping.h"

#include "base/random.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace trackway::shard {
namespace {

constexpr std::uint32_t kIterations = 12;
constexpr std::uint32_t kPasses = 20;
constexpr double kWorthwhile = 1e-12;

class Grouping {
public:
    Grouping(const CellSet& cells, std::span<const Neighborhood> queries,
             const GroupingOptions& options, const base::Arena& arena)
        : arena_(arena),
          cells_(cells),
          queries_(queries),
          options_(options),
          random_(options.seed),
          total_(std::accumulate(cells.weights.begin(), cells.weights.end(), 0.0)),
          shard_of_(cells.centroids.count(), 0),
          load_(options.shards, 0) {}

    std::vector<std::uint32_t> run() {
        if (options_.shards == 1) return shard_of_;
        seed();
        for (std::uint32_t i = 0; i < kIterations; ++i) {
            assign_balanced();
            move_centers();
        }
        feed_light_shards();
        move_centers();
        start_counts();
        scale_ = std::max(spread(), std::numeric_limits<double>::min());
        for (std::uint32_t i = 0; i < kPasses && !arena_.stopped(); ++i) {
            const std::uint32_t moved = pass();
            move_centers();
            if (moved == 0) break;
        }
        return shard_of_;
    }

private:
    std::uint32_t cell_count() const noexcept {
        return static_cast<std::uint32_t>(shard_of_.size());
    }
    double mean_load() const noexcept { return total_ / options_.shards; }

    void seed() {
        const std::uint32_t cells = cell_count();
        centers_ = Points(options_.shards, cells_.centroids.dimension());
        std::vector<float> nearest(cells, std::numeric_limits<float>::infinity());
        std::vector<float> found(cells);
        for (std::uint32_t s = 0; s < options_.shards; ++s) {
            std::uint32_t next = static_cast<std::uint32_t>(random_.below(cells));
            double sum = 0;
            for (std::uint32_t c = 0; c < cells && s > 0; ++c)
                sum += double{nearest[c]} * cells_.weights[c];
            double left = random_.uniform() * sum;
            for (std::uint32_t c = 0; c < cells && sum > 0 && left >= 0; ++c) {
                const double part = double{nearest[c]} * cells_.weights[c];
                if (part <= 0) continue;
                next = c;
                left -= part;
            }
            std::ranges::copy(cells_.centroids.row(next), centers_.row(s).begin());
            cells_.centroids.distances(cells_.centroids.row(next), found);
            for (std::uint32_t c = 0; c < cells; ++c)
                nearest[c] = std::min(nearest[c], found[c]);
        }
    }

    // Cells that lose most by not being in the nearest shard choose first.
    void assign_balanced() {
        measure();
        std::vector<std::uint32_t> order(cell_count());
        std::iota(order.begin(), order.end(), 0U);
        std::vector<float> regret(cell_count());
        for (std::uint32_t c = 0; c < cell_count(); ++c) {
            std::vector<float> sorted(distances_.begin() + at(c, 0),
                                      distances_.begin() + at(c, options_.shards));
            std::nth_element(sorted.begin(), sorted.begin() + 1, sorted.end());
            regret[c] = sorted[1] - sorted[0];
        }
        std::stable_sort(order.begin(), order.end(),
                         [&](std::uint32_t a, std::uint32_t b) { return regret[a] > regret[b]; });
        std::fill(load_.begin(), load_.end(), 0);
        for (const std::uint32_t cell : order) {
            std::uint32_t best = options_.shards;
            for (std::uint32_t s = 0; s < options_.shards; ++s) {
                if (load_[s] + cells_.weights[cell] > kHeaviest * mean_load()) continue;
                if (best == options_.shards || distance(cell, s) < distance(cell, best)) best = s;
            }
            if (best == options_.shards) best = lightest();
            shard_of_[cell] = best;
            load_[best] += cells_.weights[cell];
        }
    }

    std::uint32_t lightest() const noexcept {
        return static_cast<std::uint32_t>(std::min_element(load_.begin(), load_.end()) -
                                          load_.begin());
    }

    // A light shard takes the nearest cell of those that can spare one.
    void feed_light_shards() {
        measure();
        for (;;) {
            const std::uint32_t to = lightest();
            if (load_[to] >= kLightest * mean_load()) return;
            std::uint32_t best = cell_count();
            for (std::uint32_t c = 0; c < cell_count(); ++c) {
                const std::uint32_t from = shard_of_[c];
                const double left = load_[from] - cells_.weights[c];
                if (from == to || left < load_[to] + cells_.weights[c]) continue;
                if (best == cell_count() || distance(c, to) < distance(best, to)) best = c;
            }
            if (best == cell_count()) return;
            put(best, to);
        }
    }

    void put(std::uint32_t cell, std::uint32_t to) {
        load_[shard_of_[cell]] -= cells_.weights[cell];
        load_[to] += cells_.weights[cell];
        shard_of_[cell] = to;
    }

    void move_centers() {
        const std::uint32_t dimension = centers_.dimension();
        std::vector<double> sums(std::size_t{options_.shards} * dimension, 0);
        std::vector<double> weights(options_.shards, 0);
        for (std::uint32_t c = 0; c < cell_count(); ++c) {
            const auto row = cells_.centroids.row(c);
            double* sum = sums.data() + std::size_t{shard_of_[c]} * dimension;
            for (std::uint32_t d = 0; d < dimension; ++d)
                sum[d] += double{row[d]} * cells_.weights[c];
            weights[shard_of_[c]] += cells_.weights[c];
        }
        for (std::uint32_t s = 0; s < options_.shards; ++s) {
            const auto center = centers_.row(s);
            for (std::uint32_t d = 0; d < dimension && weights[s] > 0; ++d) {
                center[d] = static_cast<float>(sums[std::size_t{s} * dimension + d] / weights[s]);
            }
        }
    }

    std::ptrdiff_t at(std::uint32_t cell, std::uint32_t shard) const noexcept {
        return static_cast<std::ptrdiff_t>(std::size_t{cell} * options_.shards + shard);
    }
    float distance(std::uint32_t cell, std::uint32_t shard) const noexcept {
        return distances_[static_cast<std::size_t>(at(cell, shard))];
    }

    void measure() {
        distances_.resize(std::size_t{cell_count()} * options_.shards);
        for (std::uint32_t c = 0; c < cell_count(); ++c) {
            centers_.distances(
                cells_.centroids.row(c),
                std::span(distances_).subspan(static_cast<std::size_t>(at(c, 0)), options_.shards));
        }
    }

    double spread() {
        measure();
        double sum = 0;
        for (std::uint32_t c = 0; c < cell_count(); ++c)
            sum += double{distance(c, shard_of_[c])} * cells_.weights[c];
        return sum / total_;
    }

    void start_counts() {
        counts_.assign(queries_.size() * options_.shards, 0);
        seen_by_.assign(cell_count(), {});
        for (std::uint32_t q = 0; q < queries_.size(); ++q) {
            double sum = 0;
            for (const CellShare& share : queries_[q]) {
                counts_[count_at(q, shard_of_[share.cell])] += share.count;
                seen_by_[share.cell].push_back({q, share.count});
                sum += share.count;
            }
            sizes_.push_back(sum);
        }
    }
    std::size_t count_at(std::uint32_t query, std::uint32_t shard) const noexcept {
        return std::size_t{query} * options_.shards + shard;
    }

    // By how much the scatter of queries falls when the cell moves to each shard.
    void gains(std::uint32_t cell, std::span<double> out) const {
        std::fill(out.begin(), out.end(), 0);
        const std::uint32_t from = shard_of_[cell];
        for (const Seen& seen : seen_by_[cell]) {
            const double n = seen.count;
            const double size = sizes_[seen.query] * sizes_[seen.query];
            const double here = counts_[count_at(seen.query, from)];
            for (std::uint32_t s = 0; s < options_.shards; ++s) {
                const double there = counts_[count_at(seen.query, s)];
                // (there + n)^2 - there^2 - (here^2 - (here - n)^2)
                if (s != from) out[s] += (2 * n * there + 2 * n * n - 2 * n * here) / size;
            }
        }
    }

    std::uint32_t pass() {
        measure();
        auto order = base::random_permutation(cell_count(), random_);
        std::vector<double> gain(options_.shards);
        std::uint32_t moved = 0;
        for (const std::uint32_t cell : order) {
            const std::uint32_t from = shard_of_[cell];
            const double weight = cells_.weights[cell];
            if (load_[from] - weight < kLightest * mean_load()) continue;
            gains(cell, gain);
            std::uint32_t best = from;
            double least = -kWorthwhile;
            for (std::uint32_t s = 0; s < options_.shards; ++s) {
                if (s == from || load_[s] + weight > kHeaviest * mean_load()) continue;
                const double farther = double{distance(cell, s)} - double{distance(cell, from)};
                double change = farther * weight / total_ / scale_;
                if (!queries_.empty()) {
                    change -=
                        options_.workload_weight * gain[s] / static_cast<double>(queries_.size());
                }
                if (change < least) {
                    least = change;
                    best = s;
                }
            }
            if (best == from) continue;
            for (const Seen& seen : seen_by_[cell]) {
                counts_[count_at(seen.query, from)] -= seen.count;
                counts_[count_at(seen.query, best)] += seen.count;
            }
            put(cell, best);
            ++moved;
        }
        return moved;
    }

    struct Seen {
        std::uint32_t query = 0;
        std::uint32_t count = 0;
    };

    const base::Arena& arena_;
    const CellSet& cells_;
    std::span<const Neighborhood> queries_;
    GroupingOptions options_;
    base::Random random_;
    double total_;
    std::vector<std::uint32_t> shard_of_;
    std::vector<double> load_;
    Points centers_;
    std::vector<float> distances_;  // of cells to centers
    double scale_ = 1;
    std::vector<std::uint32_t> counts_;       // of each query's nearest in each shard
    std::vector<double> sizes_;               // of each query's neighbourhood
    std::vector<std::vector<Seen>> seen_by_;  // of each cell
};

}  // namespace

std::vector<std::uint32_t> group_cells(const CellSet& cells, std::span<const Neighborhood> queries,
                                       const GroupingOptions& options, const base::Arena& arena) {
    return Grouping(cells, queries, options, arena).run();
}

}  // namespace trackway::shard
