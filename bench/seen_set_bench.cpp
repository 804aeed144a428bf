// Nanoseconds per vertex that a search meets, half of them for the second time. Many searches in
// flight have a table each: with 64 of them none stays in the nearest cache.
#include "base/random.h"
#include "graph/seen_set.h"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

namespace {

using namespace trackway;

// vertices met, searches in flight
void insert(benchmark::State& state) {
    const auto met = static_cast<std::size_t>(state.range(0));
    std::vector<graph::SeenSet> sets(static_cast<std::size_t>(state.range(1)));
    base::Random random(1);
    std::vector<std::uint32_t> vertices(met);
    for (std::size_t i = 0; i < met; ++i) {
        vertices[i] = i % 2 == 0 ? static_cast<std::uint32_t>(random.below(1U << 24U))
                                 : vertices[random.below(i)];
    }
    std::size_t next = 0;
    for (auto _ : state) {
        graph::SeenSet& seen = sets[next++ % sets.size()];
        seen.clear();
        for (const std::uint32_t vertex : vertices)
            benchmark::DoNotOptimize(seen.insert(vertex));
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(met));
}
BENCHMARK(insert)->ArgsProduct({{500, 2000, 8000}, {1, 64}});

}  // namespace
