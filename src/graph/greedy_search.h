// Greedy best-first search over a graph in memory (Subramanya et al. 2019, "DiskANN",
// algorithm 1).
#pragma once

#include "graph/adjacency.h"
#include "graph/frontier.h"
#include "graph/point_set.h"
#include "graph/seen_set.h"

#include <cstdint>
#include <span>
#include <vector>

namespace trackway::graph {

// Working memory of one thread, reused from search to search; the answer stands in it.
struct GreedySearchScratch {
    Frontier frontier;                // answer: the list_size nearest found, nearest first
    std::vector<Candidate> expanded;  // answer: all vertices expanded, in order
    SeenSet seen;
    std::vector<std::uint32_t> ids;
    std::vector<float> distances;
};

struct GreedySearchStart {
    std::uint32_t entry_point = 0;
    std::uint32_t list_size = 0;  // L
};

// Searches the vertices near `point`, which itself is not offered.
inline void greedy_search(const PointSet& points, const Adjacency& graph, std::uint32_t point,
                          const GreedySearchStart& start, GreedySearchScratch& scratch) {
    constexpr std::uint32_t kExpanded = 1;
    Frontier& frontier = scratch.frontier;
    const auto offer = [&](std::span<const std::uint32_t> vertices) {
        scratch.ids.clear();
        for (const std::uint32_t vertex : vertices) {
            if (scratch.seen.insert(vertex)) scratch.ids.push_back(vertex);
        }
        scratch.distances.resize(scratch.ids.size());
        points.distances(point, scratch.ids, scratch.distances.data());
        std::size_t best = frontier.size() + scratch.ids.size();
        for (std::size_t i = 0; i < scratch.ids.size(); ++i) {
            const Candidate candidate{scratch.distances[i], scratch.ids[i], 0};
            if (frontier.admits(candidate)) best = std::min(best, frontier.insert(candidate));
        }
        return best;
    };
    frontier.reset(start.list_size);
    scratch.expanded.clear();
    scratch.seen.clear();
    scratch.seen.insert(point);
    std::size_t next = 0;  // every candidate before it is expanded
    if (point == start.entry_point) {
        offer(graph.neighbors(point));  // itself is not offered, so its neighbours begin
    } else {
        offer({&start.entry_point, 1});
    }
    while (next < frontier.size()) {
        Candidate& candidate = frontier[next];
        if (candidate.mark == kExpanded) {
            ++next;
            continue;
        }
        candidate.mark = kExpanded;
        scratch.expanded.push_back(candidate);
        next = std::min(next, offer(graph.neighbors(candidate.vertex)));
    }
}

}  // namespace trackway::graph
