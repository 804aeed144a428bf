// What a search computes, its pages in memory: to begin, and for each page absorbed; and the share
// of it that verifying the pages takes.
#include "base/checksum.h"
#include "base/stopwatch.h"
#include "beam/beam_search.h"
#include "searched_index.h"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

namespace {

using namespace trackway;

constexpr float kExpandShare = 0.2F;

beam::BeamParams params_of(const benchmark::State& state) {
    return {.search_list_size = static_cast<std::uint32_t>(state.range(0)),
            .expand_share = kExpandShare};
}

// Leaves the pages that were read, in order.
void search_all(beam::BeamSearch& search, std::uint64_t number, const beam::BeamParams& params,
                std::vector<PageId>& pages) {
    const bench::SearchedIndex& index = bench::searched_index();
    const MatrixView& queries = bench::searched_queries().view;
    pages.clear();
    bench::must(search.start(queries.row(number % queries.row_count), params));
    while (!search.done()) {
        pages.push_back(search.wanted().front());
        bench::must(search.absorb(pages.back(), index.page(pages.back())));
    }
}

// The query's table, and the search of the navigation graph.
void start(benchmark::State& state) {
    const beam::GraphView view = bench::searched_index().graph->view();
    beam::BeamSearch search(view);
    const MatrixView& queries = bench::searched_queries().view;
    std::uint64_t number = 0;
    for (auto _ : state)
        bench::must(search.start(queries.row(number++ % queries.row_count), params_of(state)));
}
BENCHMARK(start)->Arg(40);

// list size. Items are pages, what it takes to begin is shared among them.
void absorb(benchmark::State& state) {
    const beam::GraphView view = bench::searched_index().graph->view();
    beam::BeamSearch search(view);
    std::vector<PageId> pages;
    std::uint64_t number = 0;
    std::int64_t absorbed = 0;
    for (auto _ : state) {
        search_all(search, number++, params_of(state), pages);
        absorbed += static_cast<std::int64_t>(pages.size());
    }
    state.SetItemsProcessed(absorbed);
}
BENCHMARK(absorb)->Arg(20)->Arg(40)->Arg(100);

// list size. Of the CPU time of a whole search: checksums of its pages alone, and all that is
// checked of a page. What reading takes, which is not here, makes the shares of a query smaller.
void verifying(benchmark::State& state) {
    const bench::SearchedIndex& index = bench::searched_index();
    const layouts::PageGeometry& geometry = index.graph->geometry();
    const beam::GraphView view = index.graph->view();
    beam::BeamSearch search(view);
    std::vector<PageId> pages;
    std::uint64_t number = 0;
    std::uint64_t searching = 0;
    std::uint64_t hashing = 0;
    std::uint64_t opening = 0;
    for (auto _ : state) {
        const std::uint64_t begin = base::cpu_ns();
        search_all(search, number++, params_of(state), pages);
        const std::uint64_t searched = base::cpu_ns();
        for (const PageId page : pages)
            benchmark::DoNotOptimize(base::checksum64(index.page(page), geometry.seed));
        const std::uint64_t hashed = base::cpu_ns();
        for (const PageId page : pages)
            benchmark::DoNotOptimize(layouts::PageView::open(geometry, page, index.page(page)));
        searching += searched - begin;
        hashing += hashed - searched;
        opening += base::cpu_ns() - hashed;
    }
    const auto share = [&](std::uint64_t part) {
        return static_cast<double>(part) / static_cast<double>(searching);
    };
    state.counters["checksum_share"] = share(hashing);
    state.counters["verify_share"] = share(opening);
}
BENCHMARK(verifying)->Arg(40);

}  // namespace
