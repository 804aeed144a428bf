// Asking for a vertex in memory: found, with its list unpacked, or not.
#include "beam/hot_records.h"
#include "searched_index.h"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

namespace {

using namespace trackway;

// The first vertex of every page is resident.
const beam::HotRecords& records() {
    static const beam::HotRecords hot = [] {
        const bench::SearchedIndex& index = bench::searched_index();
        beam::HotRecords filled(index.graph->geometry());
        const std::uint32_t first = 0;
        for (std::uint32_t page = 0; page < index.graph->geometry().page_count; ++page) {
            const auto view = bench::must(layouts::PageView::open(
                index.graph->geometry(), PageId{page}, index.page(PageId{page})));
            filled.add(PageId{page}, view, {&first, 1});
        }
        filled.finish();
        return filled;
    }();
    return hot;
}

void find(benchmark::State& state, std::uint32_t slot) {
    const layouts::PageGeometry& geometry = bench::searched_index().graph->geometry();
    const beam::HotRecords& hot = records();
    std::vector<std::uint32_t> neighbors(geometry.max_degree);
    std::uint32_t page = 0;
    beam::HotPage found;
    for (auto _ : state) {
        if (hot.find(geometry.place(PageId{page}, slot), found))
            found.neighbors(0, neighbors.data());
        benchmark::DoNotOptimize(neighbors.data());
        page = (page + 7919) % geometry.page_count;
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(find, resident, 0);
BENCHMARK_CAPTURE(find, absent, 1);

}  // namespace
