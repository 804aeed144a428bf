#include "shard/partition.h"

#include "base/assert.h"
#include "distance/row_floats.h"
#include "graph/exact_scan.h"
#include "shard/nearest_shards.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace trackway::shard {
namespace {

constexpr std::uint32_t kCellsPerShard = 64;
constexpr std::uint32_t kCellsMax = 4096;
constexpr std::uint64_t kRowsPerCell = 16;
// Of each query, in the sample.
constexpr std::uint32_t kNeighbors = 20;
constexpr double kShareHeld = 0.95;
constexpr double kWeights[] = {0, 0.3, 1, 3, 10, 30};
constexpr double kUsualWeight = 1;
constexpr std::size_t kBlock = 64;

std::vector<Neighborhood> neighborhoods(const MatrixView& queries, const MatrixView& sample,
                                        Metric metric, std::span<const std::uint32_t> cell_of,
                                        const base::Arena& arena) {
    std::vector<Neighborhood> found;
    for (std::vector<std::uint32_t>& cells :
         graph::nearest_rows(queries, sample, metric, kNeighbors, arena)) {
        for (std::uint32_t& cell : cells)
            cell = cell_of[cell];
        std::sort(cells.begin(), cells.end());
        Neighborhood& neighborhood = found.emplace_back();
        for (const std::uint32_t cell : cells) {
            if (neighborhood.empty() || neighborhood.back().cell != cell)
                neighborhood.push_back({cell, 0});
            ++neighborhood.back().count;
        }
    }
    return found;
}

double shards_per_query(std::span<const Neighborhood> queries,
                        std::span<const std::uint32_t> shard_of, std::uint32_t shards) {
    std::uint64_t needed = 0;
    std::vector<std::uint32_t> counts(shards);
    for (const Neighborhood& query : queries) {
        std::fill(counts.begin(), counts.end(), 0);
        std::uint32_t size = 0;
        for (const CellShare& share : query) {
            counts[shard_of[share.cell]] += share.count;
            size += share.count;
        }
        std::sort(counts.begin(), counts.end(), std::greater<>());
        double held = 0;
        for (std::uint32_t s = 0; s < shards && held < kShareHeld * size; ++s) {
            held += counts[s];
            ++needed;
        }
    }
    return queries.empty() ? 0 : static_cast<double>(needed) / static_cast<double>(queries.size());
}

// The ratio with which the sample has as many replicas as the factor allows.
float fit_replica_ratio(const Points& sample, const Partition& partition,
                        const base::Arena& arena) {
    std::vector<std::vector<float>> ratios((sample.count() + kBlock - 1) / kBlock);
    arena.parallel_for(sample.count(), kBlock, [&](std::size_t begin, std::size_t end, auto) {
        NearestShards nearest(partition.cells, partition.shard_of, partition.shards);
        for (std::size_t i = begin; i < end; ++i) {
            const auto near = nearest.find(sample.row(i));
            const float own = std::max(near.front().distance, std::numeric_limits<float>::min());
            for (const NearShard& replica : nearest.replicas(near))
                ratios[begin / kBlock].push_back(replica.distance / own);
        }
    });
    std::vector<float> all;
    for (const auto& block : ratios)
        all.insert(all.end(), block.begin(), block.end());
    const auto wanted = static_cast<std::size_t>((partition.replica_factor - 1) *
                                                 static_cast<double>(sample.count()));
    if (wanted == 0 || all.empty()) return 0;
    const auto last = all.begin() + static_cast<std::ptrdiff_t>(std::min(wanted, all.size()) - 1);
    std::nth_element(all.begin(), last, all.end());
    return *last;
}

}  // namespace

Partition train_partition(const MatrixView& sample, Metric metric, const PartitionQueries& queries,
                          const PartitionOptions& options, const base::Arena& arena) {
    TRACKWAY_ASSERT(options.shards > 0 && sample.row_count > 0);
    Partition partition{.cells = {},
                        .shard_of = {},
                        .shards = options.shards,
                        .replica_factor = options.replica_factor};
    const Points points = float_points(sample, metric, arena);
    const std::uint64_t cells =
        std::min({std::uint64_t{kCellsMax}, std::uint64_t{kCellsPerShard} * options.shards,
                  std::max<std::uint64_t>(sample.row_count / kRowsPerCell, options.shards)});
    partition.cells = train_cells(
        points, {.count = static_cast<std::uint32_t>(cells), .seed = options.seed}, arena);
    if (arena.stopped()) return partition;
    const std::vector<std::uint32_t> cell_of = nearest_cells(points, partition.cells, arena);
    std::vector<double> weights(partition.cells.count(), 0);
    for (const std::uint32_t cell : cell_of)
        weights[cell] += 1;
    const auto training = neighborhoods(queries.training, sample, metric, cell_of, arena);
    const auto judging = neighborhoods(queries.judging, sample, metric, cell_of, arena);
    if (arena.stopped()) return partition;
    const CellSet set{partition.cells, weights};
    const auto group = [&](double weight) {
        return group_cells(
            set, training,
            {.shards = options.shards, .workload_weight = weight, .seed = options.seed}, arena);
    };
    if (options.workload_weight || training.empty() || judging.empty()) {
        partition.workload_weight =
            training.empty() ? 0 : options.workload_weight.value_or(kUsualWeight);
        partition.shard_of = group(partition.workload_weight);
    } else {
        double least = std::numeric_limits<double>::infinity();
        for (const double weight : kWeights) {
            auto shard_of = group(weight);
            const double needed = shards_per_query(judging, shard_of, options.shards);
            partition.trials.push_back({weight, needed});
            if (needed >= least) continue;
            least = needed;
            partition.workload_weight = weight;
            partition.shard_of = std::move(shard_of);
        }
    }
    if (options.shards > 1) partition.replica_ratio = fit_replica_ratio(points, partition, arena);
    return partition;
}

// What is known of one row before shards are filled.
struct Assigner::Near {
    std::array<std::uint16_t, NearestShards::kMost> homes{};  // the nearest shards
    std::array<std::uint16_t, NearestShards::kReplicasMax> replicas{};
    std::array<float, NearestShards::kReplicasMax> ratios{};
    std::uint8_t home_count = 0;
    std::uint8_t replica_count = 0;
};

std::uint64_t Assigner::home_max(std::uint64_t rows, std::uint32_t shards) noexcept {
    return static_cast<std::uint64_t>(
        std::ceil(kHomeMax * static_cast<double>(rows) / static_cast<double>(shards)));
}

std::uint64_t Assigner::members_max(std::uint64_t rows, std::uint32_t shards,
                                    double replica_factor) noexcept {
    return static_cast<std::uint64_t>(static_cast<double>(home_max(rows, shards)) * replica_factor);
}

Assigner::Assigner(const Partition& partition, Metric metric, std::uint64_t rows)
    : partition_(partition),
      metric_(metric),
      home_max_(home_max(rows, partition.shards)),
      replica_max_(members_max(rows, partition.shards, partition.replica_factor) - home_max_),
      replicas_max_(
          static_cast<std::uint64_t>(static_cast<double>(rows) * (partition.replica_factor - 1))),
      home_counts_(partition.shards, 0),
      replica_counts_(partition.shards, 0) {
    homes_.reserve(rows);
    replicas_.reserve(replicas_max_);
}

void Assigner::add(const MatrixView& block, const base::Arena& arena) {
    std::vector<Near> near(block.row_count);
    arena.parallel_for(block.row_count, kBlock, [&](std::size_t begin, std::size_t end, auto) {
        NearestShards nearest(partition_.cells, partition_.shard_of, partition_.shards);
        std::vector<float> row(block.dimension);
        for (std::size_t i = begin; i < end; ++i) {
            distance::row_floats(block.row(i), block.element_type, metric_, row);
            const auto found = nearest.find(row);
            for (const NearShard& candidate : found)
                near[i].homes[near[i].home_count++] = static_cast<std::uint16_t>(candidate.shard);
            const float most = found.front().distance * partition_.replica_ratio;
            for (const NearShard& replica : nearest.replicas(found)) {
                if (replica.distance > most) continue;
                near[i].ratios[near[i].replica_count] =
                    replica.distance /
                    std::max(found.front().distance, std::numeric_limits<float>::min());
                near[i].replicas[near[i].replica_count++] =
                    static_cast<std::uint16_t>(replica.shard);
            }
        }
    });
    if (!arena.stopped()) place(near);
}

// In the order of rows: a shard that is full takes no more.
void Assigner::place(std::span<const Near> near) {
    for (const Near& row : near) {
        const auto number = static_cast<std::uint32_t>(homes_.size());
        const auto homes = std::span(row.homes).first(row.home_count);
        const auto nearest = std::find_if(homes.begin(), homes.end(), [&](std::uint16_t shard) {
            return home_counts_[shard] < home_max_;
        });
        const auto emptiest = std::min_element(home_counts_.begin(), home_counts_.end());
        const std::uint32_t home =
            nearest != homes.end() ? *nearest
                                   : static_cast<std::uint32_t>(emptiest - home_counts_.begin());
        homes_.push_back(static_cast<std::uint16_t>(home));
        ++home_counts_[home];
        if (homes.front() != home) add_replica({number, homes.front()}, home);
        for (std::uint8_t i = 0; i < row.replica_count; ++i)
            add_replica({number, row.replicas[i], row.ratios[i]}, home);
    }
}

void Assigner::add_replica(const Replica& replica, std::uint32_t home) {
    if (replica.shard == home || replica_counts_[replica.shard] >= replica_max_) return;
    if (replicas_.size() >= replicas_max_) return;
    replicas_.push_back(replica);
    ++replica_counts_[replica.shard];
}

}  // namespace trackway::shard
