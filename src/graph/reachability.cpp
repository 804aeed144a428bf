#include "graph/reachability.h"

#include "base/assert.h"
#include "graph/greedy_search.h"

#include <optional>
#include <vector>

namespace trackway::graph {
namespace {

constexpr std::uint32_t kUnreached = UINT32_MAX;

class Connector {
public:
    Connector(const PointSet& points, std::uint32_t entry_point, std::uint32_t list_size,
              Adjacency& graph)
        : points_(points),
          start_{entry_point, list_size},
          graph_(graph),
          parent_(graph.vertex_count(), kUnreached) {}

    std::uint32_t run() {
        spread(start_.entry_point, start_.entry_point);
        std::uint32_t added = 0;
        for (std::uint32_t vertex = 0; vertex < graph_.vertex_count(); ++vertex) {
            if (parent_[vertex] != kUnreached) continue;
            spread(vertex, attach(vertex));
            ++added;
        }
        return added;
    }

private:
    // Marks everything that can be reached from `root`; each vertex remembers from where it was
    // reached first, and those edges form a tree.
    void spread(std::uint32_t root, std::uint32_t parent) {
        parent_[root] = parent;
        stack_.assign(1, root);
        while (!stack_.empty()) {
            const std::uint32_t vertex = stack_.back();
            stack_.pop_back();
            for (const std::uint32_t neighbor : graph_.neighbors(vertex)) {
                if (parent_[neighbor] != kUnreached) continue;
                parent_[neighbor] = vertex;
                stack_.push_back(neighbor);
            }
        }
    }

    // Returns the vertex that now has an edge to `vertex`. One can always be found: n reached
    // vertices have n - 1 tree edges, so full lists hold at least one edge outside the tree.
    std::uint32_t attach(std::uint32_t vertex) {
        greedy_search(points_, graph_, vertex, start_, scratch_);
        for (const Candidate& candidate : scratch_.frontier.list()) {
            if (add_edge(candidate.vertex, vertex)) return candidate.vertex;
        }
        // Reached vertices that could not take an edge never can again.
        bool all_full = true;
        for (std::uint32_t from = first_with_room_; from < graph_.vertex_count(); ++from) {
            const bool is_reached = parent_[from] != kUnreached;
            if (is_reached && add_edge(from, vertex)) return from;
            all_full = all_full && is_reached;
            if (all_full) first_with_room_ = from + 1;
        }
        TRACKWAY_ASSERT(false);
        return kUnreached;
    }

    bool add_edge(std::uint32_t from, std::uint32_t to) {
        const auto present = graph_.neighbors(from);
        std::vector<std::uint32_t> neighbors(present.begin(), present.end());
        if (neighbors.size() < graph_.capacity()) {
            neighbors.push_back(to);
        } else {
            const auto spare = spare_edge(from);
            if (!spare) return false;
            neighbors[*spare] = to;
        }
        graph_.set(from, neighbors);
        return true;
    }

    // The last edge of the list, so the least wanted, that is not in the tree.
    std::optional<std::size_t> spare_edge(std::uint32_t from) const {
        const auto neighbors = graph_.neighbors(from);
        for (std::size_t i = neighbors.size(); i-- > 0;) {
            if (parent_[neighbors[i]] != from) return i;
        }
        return std::nullopt;
    }

    const PointSet& points_;
    GreedySearchStart start_;
    Adjacency& graph_;
    std::vector<std::uint32_t> parent_;
    std::uint32_t first_with_room_ = 0;
    std::vector<std::uint32_t> stack_;
    GreedySearchScratch scratch_;
};

}  // namespace

std::uint32_t connect_all(const PointSet& points, std::uint32_t entry_point,
                          std::uint32_t list_size, Adjacency& graph) {
    return Connector(points, entry_point, list_size, graph).run();
}

}  // namespace trackway::graph
