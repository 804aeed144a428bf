// What it costs to choose a vertex's edges, by the number of candidates, and how many it keeps.
#include "base/arena.h"
#include "graph/point_set.h"
#include "graph/robust_prune.h"
#include "support/random_vectors.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

namespace {

using namespace trackway;

constexpr std::uint32_t kDimension = 128;
constexpr std::uint32_t kPoints = 5000;

// The `count` nearest to point 0.
std::vector<graph::Candidate> candidates_of(const graph::PointSet& points, std::size_t count) {
    std::vector<std::uint32_t> ids(kPoints - 1);
    std::iota(ids.begin(), ids.end(), 1U);
    std::vector<float> distances(ids.size());
    points.distances(0, ids, distances.data());
    std::vector<graph::Candidate> candidates;
    for (std::size_t i = 0; i < ids.size(); ++i)
        candidates.push_back({distances[i], ids[i], 0});
    std::sort(candidates.begin(), candidates.end(), graph::nearer);
    candidates.resize(count);
    return candidates;
}

// element type, candidates
void prune(benchmark::State& state) {
    const auto type = static_cast<ElementType>(state.range(0));
    const auto vectors = test::random_vectors(kPoints, kDimension, type, 3);
    const graph::PointSet points(vectors.view, Metric::kL2, base::Arena(1));
    const auto candidates = candidates_of(points, static_cast<std::size_t>(state.range(1)));
    graph::PruneScratch scratch;
    for (auto _ : state)
        robust_prune(points, candidates, {}, scratch);
    state.counters["kept"] = static_cast<double>(scratch.kept.size());
    state.SetItemsProcessed(state.iterations() * state.range(1));
}
BENCHMARK(prune)->ArgsProduct({{static_cast<int>(ElementType::kFloat32),
                                static_cast<int>(ElementType::kUint8)},
                               {100, 250, 750}});

}  // namespace
