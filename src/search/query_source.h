// Where a scheduler gets queries from and where it leaves answers.
#pragma once

#include "trackway/index.h"
#include "trackway/result.h"

#include "beam/beam_search.h"

#include <cstdint>
#include <optional>
#include <span>

namespace trackway::search {

// What a caller chose, the same for each shard that is searched.
struct QueryOptions {
    beam::BeamParams params;  // but for expand_share
    // Without a value, what each graph was calibrated with.
    std::optional<float> expand_share = {};
    // Of separate shards (SearchParams, OpenOptions).
    std::uint32_t shard_probes = 0;
    std::optional<float> share_sought = {};
    bool allow_partial = false;
};

struct QueryTicket {
    const std::byte* query = nullptr;
    QueryOptions options;
    // Of an index of codes: the query as it was given, and how many of the nearest are measured
    // again by exact vectors, at least k; 0: none.
    const std::byte* given = nullptr;
    std::uint32_t rerank = 0;
    Neighbor* out = nullptr;       // k
    SearchStats* stats = nullptr;  // may be null
    bool record = false;           // the vertices it visits go to the trace
    void* batch = nullptr;         // the source's own
    std::uint64_t number = 0;      // within the batch
};

class QuerySource {
public:
    virtual ~QuerySource() = default;
    // False when no query waits now; never blocks.
    virtual bool take(QueryTicket& ticket) = 0;
    // The query's answer stands in ticket.out, or status says why not.
    // visits: places that a recorded query chose to expand, in order.
    virtual void finish(const QueryTicket& ticket, Status status,
                        std::span<const std::uint32_t> visits) = 0;
};

}  // namespace trackway::search
