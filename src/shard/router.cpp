#include "shard/router.h"

#include "base/assert.h"
#include "distance/distance.h"
#include "graph/exact_scan.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace trackway::shard {
namespace {

constexpr std::uint32_t kNeighbors = 10;
constexpr std::uint32_t kRegions = 2048;
constexpr std::uint64_t kQueriesPerRegion = 8;
constexpr std::size_t kBlended = 8;
// With fewer queries, or queries that are all alike, nothing is known of those to come.
constexpr std::uint64_t kJudgesLeast = 25;
constexpr float kRankOffset = 3;
// Of the nearest of judging queries, that are found when shards are searched by their promise.
constexpr double kShareFound = 0.99;

using Neighborhoods = std::vector<std::vector<std::uint32_t>>;  // rows of the sample

Neighborhoods neighborhoods(const MatrixView& queries, const RouterTask& task,
                            const base::Arena& arena) {
    return graph::nearest_rows(queries, task.sample, task.metric, kNeighbors, arena);
}

// What each shard adds to the query's nearest when shards are searched one after the other, the one
// that adds most first: replicas count once.
void add_shares(std::span<const std::uint32_t> rows, const RouterTask& task,
                std::span<double> shares) {
    std::vector<bool> held(rows.size(), false);
    for (std::size_t left = rows.size(); left > 0;) {
        std::vector<std::uint32_t> counts(task.shards, 0);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (held[i]) continue;
            for (const std::uint16_t shard : task.shards_of[rows[i]])
                ++counts[shard];
        }
        const auto best = static_cast<std::uint16_t>(
            std::max_element(counts.begin(), counts.end()) - counts.begin());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const auto& shards = task.shards_of[rows[i]];
            if (held[i] || std::find(shards.begin(), shards.end(), best) == shards.end()) continue;
            held[i] = true;
            --left;
            shares[best] += 1.0 / static_cast<double>(rows.size());
        }
    }
}

// The share of the query's nearest that each shard adds, in the order of promises.
std::vector<double> found_in_turn(std::span<const std::uint32_t> rows, const RouterTask& task,
                                  std::span<const ShardPromise> promises) {
    std::vector<bool> held(rows.size(), false);
    std::vector<double> found;
    for (const ShardPromise& promise : promises) {
        std::uint32_t added = 0;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const auto& shards = task.shards_of[rows[i]];
            const bool has = std::find(shards.begin(), shards.end(), promise.shard) != shards.end();
            if (held[i] || !has) continue;
            held[i] = true;
            ++added;
        }
        found.push_back(static_cast<double>(added) / static_cast<double>(rows.size()));
    }
    return found;
}

// The least share to seek with which judging queries find kShareFound.
float fit_share_sought(const RouterTask& task, const RouterRows& rows, const base::Arena& arena) {
    const Neighborhoods judging = neighborhoods(task.queries.judging, task, arena);
    if (judging.empty() || arena.stopped()) return static_cast<float>(kShareFound);
    const Points queries = float_points(task.queries.judging, task.metric, arena);
    // What each further shard promises to leave unfound, and what it really adds.
    std::vector<std::pair<float, double>> steps;
    RouteScratch scratch;
    for (std::size_t q = 0; q < judging.size(); ++q) {
        const auto promises = route(rows, queries.row(q), scratch);
        const std::vector<double> found = found_in_turn(judging[q], task, promises);
        float before = 0;
        for (std::size_t i = 0; i < promises.size(); ++i) {
            if (found[i] > 0) steps.emplace_back(i == 0 ? 0.0F : before, found[i]);
            before += promises[i].share;
        }
    }
    std::sort(steps.begin(), steps.end());
    double sum = 0;
    for (const auto& [before, found] : steps) {
        sum += found;
        if (sum >= kShareFound * static_cast<double>(judging.size()))
            return std::min(std::nextafter(before, 2.0F), 1.0F);
    }
    return 1;
}

// One region, in which all shards promise the same: all are searched.
TrainedRouter all_alike(std::uint32_t dimension, std::uint32_t shards) {
    TrainedRouter router{.regions = 1, .values = std::vector<float>(dimension, 0)};
    router.values.insert(router.values.end(), shards, 1 / static_cast<float>(shards));
    return router;
}

}  // namespace

void RouterRows::distances(std::span<const float> query, std::span<float> out) const {
    const void* first = values.data();
    distance::distance_function(Metric::kL2, ElementType::kFloat32)(
        query.data(),
        {static_cast<const std::byte*>(first), width() * sizeof(float), nullptr, count()},
        dimension, out.data());
}

std::span<const ShardPromise> route(const RouterRows& rows, std::span<const float> query,
                                    RouteScratch& scratch) {
    scratch.distances.resize(rows.count());
    rows.distances(query, scratch.distances);
    scratch.nearest.resize(rows.count());
    std::iota(scratch.nearest.begin(), scratch.nearest.end(), 0U);
    const std::size_t blended = std::min(kBlended, rows.count());
    std::partial_sort(scratch.nearest.begin(),
                      scratch.nearest.begin() + static_cast<std::ptrdiff_t>(blended),
                      scratch.nearest.end(), [&](std::uint32_t a, std::uint32_t b) {
                          const float first = scratch.distances[a];
                          const float second = scratch.distances[b];
                          return first < second || (first == second && a < b);
                      });
    scratch.promises.assign(rows.shards, {});
    float all = 0;
    for (std::size_t i = 0; i < blended; ++i)
        all += 1 / (static_cast<float>(i) + kRankOffset);
    for (std::uint32_t s = 0; s < rows.shards; ++s)
        scratch.promises[s].shard = s;
    for (std::size_t i = 0; i < blended; ++i) {
        const float weight = 1 / (static_cast<float>(i) + kRankOffset) / all;
        const auto shares = rows.shares(scratch.nearest[i]);
        for (std::uint32_t s = 0; s < rows.shards; ++s)
            scratch.promises[s].share += weight * shares[s];
    }
    std::sort(scratch.promises.begin(), scratch.promises.end(),
              [](const ShardPromise& a, const ShardPromise& b) {
                  return a.share > b.share || (a.share == b.share && a.shard < b.shard);
              });
    return scratch.promises;
}

std::size_t probes_for(std::span<const ShardPromise> promises, float share_sought) noexcept {
    float sum = 0;
    std::size_t probes = 0;
    while (probes < promises.size() && (probes == 0 || sum < share_sought))
        sum += promises[probes++].share;
    return probes;
}

TrainedRouter train_router(const RouterTask& task, const base::Arena& arena) {
    TRACKWAY_ASSERT(task.queries.training.row_count > 0);
    const Points queries = float_points(task.queries.training, task.metric, arena);
    const auto count = static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(queries.count() / kQueriesPerRegion, 1, kRegions));
    const Points regions = train_cells(queries, {.count = count, .seed = task.seed}, arena);
    TrainedRouter router;
    if (arena.stopped()) return router;
    if (task.queries.judging.row_count < kJudgesLeast ||
        regions.count() < std::size_t{2} * task.shards)
        return all_alike(queries.dimension(), task.shards);
    const Neighborhoods nearest = neighborhoods(task.queries.training, task, arena);
    if (arena.stopped()) return router;
    const std::vector<std::uint32_t> region_of = nearest_cells(queries, regions, arena);
    std::vector<double> shares(regions.count() * task.shards, 0);
    std::vector<std::uint32_t> sizes(regions.count(), 0);
    for (std::size_t q = 0; q < nearest.size(); ++q) {
        add_shares(nearest[q], task,
                   std::span(shares).subspan(std::size_t{region_of[q]} * task.shards, task.shards));
        ++sizes[region_of[q]];
    }
    router.regions = static_cast<std::uint32_t>(regions.count());
    for (std::uint32_t region = 0; region < router.regions; ++region) {
        const auto centroid = regions.row(region);
        router.values.insert(router.values.end(), centroid.begin(), centroid.end());
        for (std::uint32_t s = 0; s < task.shards; ++s) {
            const double sum = shares[std::size_t{region} * task.shards + s];
            router.values.push_back(
                static_cast<float>(sum / std::max(1.0, static_cast<double>(sizes[region]))));
        }
    }
    router.share_sought =
        fit_share_sought(task, {queries.dimension(), task.shards, router.values}, arena);
    return router;
}

}  // namespace trackway::shard
