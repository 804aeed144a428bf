// One search of the graph in memory, as building makes one for every vertex.
#include "base/arena.h"
#include "graph/greedy_search.h"
#include "graph/vamana.h"
#include "support/random_vectors.h"

#include <benchmark/benchmark.h>

#include <cstdint>

namespace {

using namespace trackway;

constexpr std::uint32_t kPoints = 5000;

// list size
void search(benchmark::State& state) {
    static const base::Arena arena(0);
    static const auto vectors = test::random_vectors(kPoints, 128, ElementType::kUint8, 3);
    static const graph::PointSet points(vectors.view, Metric::kL2, arena);
    static const graph::VamanaGraph built =
        *graph::build_vamana(points, {.max_degree = 32, .build_list_size = 50}, arena);
    const graph::GreedySearchStart start{built.entry_point,
                                         static_cast<std::uint32_t>(state.range(0))};
    graph::GreedySearchScratch scratch;
    std::uint32_t point = 0;
    std::int64_t expanded = 0;
    for (auto _ : state) {
        greedy_search(points, built.adjacency, point++ % kPoints, start, scratch);
        expanded += static_cast<std::int64_t>(scratch.expanded.size());
    }
    state.SetItemsProcessed(expanded);  // vertices expanded
}
BENCHMARK(search)->Arg(20)->Arg(50)->Arg(100);

}  // namespace
