// Nanoseconds per candidate that is offered to a search list of a given length: as in a search,
// first all are taken, then fewer and fewer.
#include "base/random.h"
#include "graph/frontier.h"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

namespace {

using namespace trackway;

// list size
void insert(benchmark::State& state) {
    const auto size = static_cast<std::uint32_t>(state.range(0));
    base::Random random(1);
    std::vector<graph::Candidate> offered(std::size_t{20} * size);
    for (std::uint32_t i = 0; i < offered.size(); ++i)
        offered[i] = {static_cast<float>(random.normal()), i, 0};
    graph::Frontier frontier;
    for (auto _ : state) {
        frontier.reset(size);
        for (const graph::Candidate& candidate : offered)
            if (frontier.admits(candidate)) frontier.insert(candidate);
        benchmark::DoNotOptimize(frontier.list().data());
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(offered.size()));
}
BENCHMARK(insert)->Arg(10)->Arg(40)->Arg(100)->Arg(400);

}  // namespace
