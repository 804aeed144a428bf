// Queries of a workload that judge settings, and what they should find.
#pragma once

#include "trackway/types.h"

#include "base/arena.h"
#include "beam/beam_search.h"
#include "build/built_graph.h"
#include "build/workload.h"
#include "graph/frontier.h"

#include <cstdint>
#include <vector>

namespace trackway::builder {

constexpr std::uint32_t kNeighborsSought = 10;

struct JudgingQueries {
    const Workload* workload = nullptr;
    std::vector<std::uint64_t> numbers;  // queries of the workload, of the half that judges
    std::uint32_t k = 0;                 // 10, or fewer where there are fewer vectors
    // The vertices that are the very same vector as the query, sorted. They are left out of its
    // truth and of its searches: other queries do not find themselves, nor follow edges that were
    // chosen for them.
    std::vector<std::vector<std::uint32_t>> same;
    // Edges that the others would have without these vertices, which searches get instead; see
    // find_bridges(). Of vertices, not places.
    std::vector<std::vector<beam::Bridge>> bridges;
    // The k nearest rows of the dataset of each, exactly, by the vectors given.
    std::vector<graph::Frontier> truth;
};

// Distinct queries with k other vectors to find; where there is none, one that is not. given: of
// each vertex. The workload must stay. Unfinished when arena.stopped().
JudgingQueries find_judging_queries(const Workload& workload, const MatrixView& given,
                                    const VertexNumbers& numbers, Metric metric,
                                    const base::Arena& arena);

}  // namespace trackway::builder
