// What a search should find.
#pragma once

#include "trackway/types.h"

#include "base/arena.h"
#include "graph/exact_scan.h"

#include <cstdint>
#include <vector>

namespace trackway::test {

// The k rows nearest to the query by comparing it with every one, nearest first; Candidate::vertex
// is the row.
inline std::vector<graph::Candidate> true_nearest(const MatrixView& rows, const std::byte* query,
                                                  Metric metric, std::uint32_t k) {
    graph::ExactScan scan({query, rows.element_type, 1, rows.dimension}, metric, k);
    scan.add(rows, 0, base::Arena(1));
    const auto list = scan.nearest().front().list();
    return {list.begin(), list.end()};
}

}  // namespace trackway::test
