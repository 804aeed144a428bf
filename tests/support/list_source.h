// Queries for a scheduler over pages in memory, handed out one by one, with what became of each.
#pragma once

#include "io/memory_page_reader.h"
#include "search/query_source.h"
#include "search/scheduler.h"
#include "support/faulty_page_reader.h"
#include "support/searched_graph.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace trackway::test {

class ListSource final : public search::QuerySource {
public:
    ListSource(const MatrixView& queries, const beam::BeamParams& params)
        : queries_(queries),
          params_(params),
          found(queries.row_count * params.k),
          stats(queries.row_count),
          statuses(queries.row_count) {}

    bool take(search::QueryTicket& ticket) override {
        if (next_ == queries_.row_count) return false;
        ticket = {.query = queries_.row(next_),
                  .options = {.params = params_},
                  .out = found.data() + next_ * params_.k,
                  .stats = &stats[next_],
                  .number = next_};
        ++next_;
        return true;
    }
    void finish(const search::QueryTicket& ticket, Status status,
                std::span<const std::uint32_t>) override {
        statuses[ticket.number] = std::move(status);
        ++finished;
    }

    // Of one query.
    std::span<const Neighbor> found_by(std::uint64_t query) const {
        return std::span(found).subspan(query * params_.k, params_.k);
    }

private:
    MatrixView queries_;
    beam::BeamParams params_;
    std::uint64_t next_ = 0;

public:
    std::vector<Neighbor> found;
    std::vector<SearchStats> stats;
    std::vector<Status> statuses;
    std::uint64_t finished = 0;
};

// Answers them over reads that shuffle, and fail as chosen. foreign: pages of another index.
inline void serve(const SearchedGraph& opened, ListSource& source, std::uint64_t seed,
                  std::uint32_t in_flight, const FaultyPageReader::Choose& choose = {},
                  std::vector<std::span<const std::byte>> foreign = {}) {
    search::OpenedShards shards(*opened.graph);
    auto scheduler = search::Scheduler::create(
        shards, {in_flight, 4},
        [&](const io::PageReaderSetup& setup) -> Result<std::unique_ptr<io::PageReader>> {
            const std::vector<std::span<const std::byte>> files = {opened.pages};
            return std::make_unique<FaultyPageReader>(
                std::make_unique<io::MemoryPageReader>(files, setup.page_size_bytes, setup.depth),
                setup, seed, choose, std::move(foreign));
        });
    REQUIRE(scheduler);
    (*scheduler)->run(source);
}

inline bool is_same(std::span<const Neighbor> a, std::span<const Neighbor> b) {
    return std::ranges::equal(a, b, [](const Neighbor& x, const Neighbor& y) {
        return x.id == y.id && x.distance == y.distance;
    });
}

}  // namespace trackway::test
