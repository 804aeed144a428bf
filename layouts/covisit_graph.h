// What queries visit together: vertices joined by weighted edges, and how often each was visited.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace trackway::layouts {

struct Covisit {
    std::uint32_t vertex = 0;
    float weight = 0;
};

struct CovisitGraph {
    std::vector<std::uint64_t> first;  // of each vertex's edges; and the end
    std::vector<Covisit> edges;        // of one vertex: heaviest first
    std::vector<float> strength;       // visits of each vertex

    bool empty() const noexcept { return edges.empty(); }
    std::span<const Covisit> of(std::uint32_t vertex) const noexcept {
        return std::span(edges).subspan(first[vertex], first[vertex + 1] - first[vertex]);
    }
};

}  // namespace trackway::layouts
