// Queries a second of one thread's scheduler whose pages are in memory: all that the engine costs
// but the reading, by the number of queries in flight.
#include "io/memory_page_reader.h"
#include "search/scheduler.h"
#include "searched_index.h"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace {

using namespace trackway;

constexpr std::uint32_t kNeighbors = 10;

// Hands out the queries once after each rewind().
class Queries final : public search::QuerySource {
public:
    bool take(search::QueryTicket& ticket) override {
        const MatrixView& queries = bench::searched_queries().view;
        if (next_ == queries.row_count) return false;
        ticket = {.query = queries.row(next_),
                  .options = {.params = {.k = kNeighbors, .search_list_size = 40}},
                  .out = found_.data(),
                  .number = next_};
        ++next_;
        return true;
    }
    void finish(const search::QueryTicket& ticket, Status status,
                std::span<const std::uint32_t> visits) override {
        benchmark::DoNotOptimize(ticket.number + visits.size());
        bench::must(std::move(status));
    }
    void rewind() { next_ = 0; }

private:
    std::uint64_t next_ = 0;
    std::vector<Neighbor> found_ = std::vector<Neighbor>(kNeighbors);
};

// queries in flight
void run(benchmark::State& state) {
    const bench::SearchedIndex& index = bench::searched_index();
    search::OpenedShards shards(*index.graph);
    const auto open =
        [&](const io::PageReaderSetup& setup) -> Result<std::unique_ptr<io::PageReader>> {
        const std::vector<std::span<const std::byte>> files = {index.file};
        return std::make_unique<io::MemoryPageReader>(files, setup.page_size_bytes, setup.depth);
    };
    const auto scheduler = bench::must(search::Scheduler::create(
        shards, {.queries_in_flight = static_cast<std::uint32_t>(state.range(0))}, open));
    Queries queries;
    for (auto _ : state) {
        queries.rewind();
        scheduler->run(queries);
    }
    state.SetItemsProcessed(state.iterations() *
                            static_cast<std::int64_t>(bench::searched_queries().view.row_count));
}
BENCHMARK(run)->Arg(1)->Arg(8)->Arg(32)->Arg(64);

}  // namespace
