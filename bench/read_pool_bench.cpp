// What a read costs beside the reading: it is wanted, arrives, is let go. With few different pages
// most are on their way already and are joined.
#include "base/random.h"
#include "search/read_pool.h"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

namespace {

using namespace trackway;

constexpr std::uint32_t kPage = 4096;

// queries in flight, different pages
void turn(benchmark::State& state) {
    const auto owners = static_cast<std::uint32_t>(state.range(0));
    const auto pages = static_cast<std::uint64_t>(state.range(1));
    search::ReadPool pool(owners, 1, kPage);
    base::Random random(1);
    std::vector<io::PageRead*> reads;
    std::int64_t joined = 0;
    for (auto _ : state) {
        reads.clear();
        for (std::uint32_t owner = 0; owner < owners; ++owner) {
            io::PageRead* read = pool.want(owner, 0, random.below(pages) * kPage);
            if (read != nullptr) reads.push_back(read);
        }
        for (const io::PageRead* read : reads)
            pool.arrive(*read, [&](std::uint32_t owner) { pool.release(owner); });
        joined += owners - static_cast<std::int64_t>(reads.size());
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
    state.counters["joined"] =
        static_cast<double>(joined) / static_cast<double>(state.iterations() * state.range(0));
}
BENCHMARK(turn)->ArgsProduct({{1, 32, 128}, {16, 1 << 20}});

}  // namespace
