// One query over the shards that are worth searching: which is next, how far they have come
// together, and what they found.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "graph/frontier.h"
#include "search/opened_shards.h"
#include "search/query_source.h"
#include "search/shared_list.h"
#include "shard/router.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace trackway::search {

class Scatter {
public:
    // Most shards that are searched at the same time.
    static constexpr std::uint32_t kAtOnce = 4;

    explicit Scatter(const OpenedShards& shards) : shards_(shards) {}

    void start(const QueryTicket& ticket);
    const QueryTicket& ticket() const noexcept { return ticket_; }

    // Whether another shard should be searched now, while `running` are, fewer than kAtOnce. Beyond
    // those that the router finds enough, shards are added while fewer than k vectors are found.
    bool wants_another(std::uint32_t running) const noexcept;
    std::uint32_t next() const noexcept { return order_[begun_]; }
    void begin_next() noexcept { ++begun_; }
    // In this graph, which may hold fewer vectors than asked for.
    beam::BeamParams params_for(const OpenedGraph& graph) const;

    // What the query's probes of separate shards have in their search lists, by their numbers
    // within the query.
    SharedList& shared_list() noexcept { return shared_list_; }

    // A shard is done. found: nearest first, Candidate::vertex the row; a row that is there already
    // is a replica.
    void merge(std::span<const graph::Candidate> found, const SearchStats& cost);
    // A shard could not be searched: the query fails, or goes without it and what it found.
    void fail(Error error);

    // The first read of all begins to be waited for, or the last has come.
    void begin_waiting(std::uint64_t now_ns) noexcept { waiting_since_ns_ = now_ns; }
    void end_waiting(std::uint64_t now_ns) noexcept {
        stats_.io_wait_ns += now_ns - waiting_since_ns_;
    }

    // Leaves answers and cost where the ticket wants them.
    Status finish();

private:
    const OpenedShards& shards_;
    QueryTicket ticket_;
    std::vector<std::uint32_t> order_;  // most promising first
    std::size_t enough_ = 1;            // of them
    std::size_t begun_ = 0;
    graph::Frontier found_;
    SharedList shared_list_;
    SearchStats stats_;
    Status status_;
    std::uint64_t started_ns_ = 0;
    std::uint64_t waiting_since_ns_ = 0;
    std::vector<float> query_floats_;
    shard::RouteScratch scratch_;
};

}  // namespace trackway::search
