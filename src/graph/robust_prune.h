// Choice of a vertex's out-edges (Subramanya et al. 2019, "DiskANN", algorithm 2).
#pragma once

#include "graph/frontier.h"
#include "graph/point_set.h"

#include <cstdint>
#include <span>
#include <vector>

namespace trackway::graph {

struct PruneOptions {
    std::uint32_t max_degree = 64;  // R
    float alpha = 1.2F;             // compared with distances as the metric gives them, not roots
};

// Working memory of one thread; kept is the answer.
struct PruneScratch {
    std::vector<std::uint32_t> kept;
    std::vector<float> distances;
};

// Keeps, nearest first, every candidate that no kept one occludes (alpha x its distance to the
// candidate is at most the candidate's to the vertex), until max_degree are kept.
// REQUIRES: candidates sorted by nearer(), without repeats, without the vertex itself.
void robust_prune(const PointSet& points, std::span<const Candidate> candidates,
                  const PruneOptions& options, PruneScratch& scratch);

}  // namespace trackway::graph
