// Where a scheduler gets queries from and where it leaves answers.
#pragma once

#include "trackway/index.h"
#include "trackway/result.h"

#include "search/beam_search.h"

#include <cstdint>

namespace trackway::search {

struct QueryTicket {
    const std::byte* query = nullptr;
    BeamParams params;
    Neighbor* out = nullptr;       // params.k
    SearchStats* stats = nullptr;  // may be null
    void* batch = nullptr;         // the source's own
    std::uint64_t number = 0;      // within the batch
};

class QuerySource {
public:
    virtual ~QuerySource() = default;
    // False when no query waits now; never blocks.
    virtual bool take(QueryTicket& ticket) = 0;
    // The query's answer stands in ticket.out, or status says why not.
    virtual void finish(const QueryTicket& ticket, Status status) = 0;
};

}  // namespace trackway::search
