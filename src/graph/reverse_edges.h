// Edges back to what a batch of vertices chose, grouped so that each list is changed once, by one
// thread: what builders of graphs in batches share.
#pragma once

#include "base/arena.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::graph {

// Vertices that one thread takes at a time.
constexpr std::size_t kVerticesAtATime = 32;

// Batches double up to this share of the points: vertices of one batch do not see each other.
constexpr std::size_t largest_batch(std::size_t points) {
    return std::max<std::size_t>(points / 100, 64);
}

struct Edge {
    std::uint32_t to;
    std::uint32_t from;
    bool operator<(const Edge& other) const noexcept {
        return to < other.to || (to == other.to && from < other.from);
    }
};

// merge(the edges to one vertex, thread), for each vertex that has any; sorts them.
template <class Merge>
void for_each_target(std::vector<Edge>& all, const base::Arena& arena, const Merge& merge) {
    std::sort(all.begin(), all.end());
    std::vector<std::size_t> starts;  // of each target's group
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (i == 0 || all[i].to != all[i - 1].to) starts.push_back(i);
    }
    const std::size_t groups = starts.size();
    starts.push_back(all.size());
    arena.parallel_for(
        groups, kVerticesAtATime, [&](std::size_t begin, std::size_t end, std::uint32_t thread) {
            for (std::size_t g = begin; g < end; ++g)
                merge(std::span<const Edge>(all).subspan(starts[g], starts[g + 1] - starts[g]),
                      thread);
        });
}

}  // namespace trackway::graph
