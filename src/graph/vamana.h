// Builds a Vamana graph (Subramanya et al. 2019, "DiskANN") in batches of doubling size
// (Dobson et al. 2023, "ParlayANN", section 3), the same for any number of threads.
#pragma once

#include "trackway/result.h"

#include "base/arena.h"
#include "graph/adjacency.h"
#include "graph/point_set.h"

#include <cstdint>
#include <functional>

namespace trackway::graph {

struct VamanaOptions {
    std::uint32_t max_degree = 64;        // R
    std::uint32_t build_list_size = 100;  // L
    float alpha = 1.2F;
    std::uint64_t seed = 1;  // of the order of insertion
};

struct VamanaGraph {
    Adjacency adjacency;  // degrees at most max_degree
    std::uint32_t entry_point = 0;
};

// What a build tells while it runs, and what is kept of it so that another can go on. Each may be
// empty; the first error ends the build.
struct VamanaWatch {
    std::function<void(std::uint32_t)> inserted = {};  // points, of points.count()
    // Fills the lists, which are empty, with what keep() was given; points that have chosen edges,
    // of twice as many as there are. 0: from the beginning.
    std::function<Result<std::uint64_t>(Adjacency&)> restore = {};
    std::function<Status(std::uint64_t, const Adjacency&)> keep = {};
};

// Every vertex can be reached from the entry point, the medoid. The graph is unfinished when
// arena.stopped(). One that goes on from what another kept is the same.
Result<VamanaGraph> build_vamana(const PointSet& points, const VamanaOptions& options,
                                 const base::Arena& arena, const VamanaWatch& watch = {});

// Bytes that build_vamana allocates, for planning.
std::uint64_t vamana_bytes(std::uint64_t points, const VamanaOptions& options,
                           std::uint32_t threads);

}  // namespace trackway::graph
