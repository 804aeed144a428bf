#include "graph/product_edges.h"

#include "base/assert.h"
#include "graph/greedy_search.h"
#include "graph/reverse_edges.h"
#include "graph/robust_prune.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

namespace trackway::graph {
namespace {

// The longest row is so many times as long as the middle one.
constexpr float kUnequal = 1.5F;

// A graph by products alone. Rows come longest first: each finds those of the largest products
// among the rows before it, as a layer of HNSW would.
class ProductGraph {
public:
    ProductGraph(const PointSet& points, const ProductEdgeOptions& options,
                 const base::Arena& arena)
        : points_(points.by_product()),
          options_(options),
          arena_(arena),
          graph_(points.count(), 2 * options.edges),
          search_(arena.thread_count()),
          prune_(arena.thread_count()) {
        order_.resize(points.count());
        std::iota(order_.begin(), order_.end(), 0U);
        const std::vector<float> lengths = points.lengths(arena);
        std::stable_sort(order_.begin(), order_.end(),
                         [&](std::uint32_t a, std::uint32_t b) { return lengths[a] > lengths[b]; });
    }

    void build() {
        for (std::size_t begin = 1; begin < order_.size() && !arena_.stopped();) {
            const std::size_t size =
                std::min({order_.size() - begin, begin, largest_batch(order_.size())});
            insert(std::span(order_).subspan(begin, size));
            begin += size;
        }
    }

    // At most `edges` of the vertex, the largest products first, from the whole graph.
    std::span<const std::uint32_t> choose(std::uint32_t vertex, std::uint32_t thread) {
        GreedySearchScratch& search = search_[thread];
        greedy_search(points_, graph_, vertex, {order_.front(), options_.list_size}, search);
        const auto found = search.frontier.list();
        search.expanded.assign(found.begin(), found.end());
        return keep(options_.edges, thread);
    }

private:
    void insert(std::span<const std::uint32_t> batch) {
        std::vector<std::vector<std::uint32_t>> chosen(batch.size());
        arena_.parallel_for(batch.size(), kVerticesAtATime,
                            [&](std::size_t begin, std::size_t end, std::uint32_t thread) {
                                for (std::size_t i = begin; i < end; ++i) {
                                    const auto kept = choose(batch[i], thread);
                                    chosen[i].assign(kept.begin(), kept.end());
                                }
                            });
        if (arena_.stopped()) return;
        std::vector<Edge> edges;
        for (std::size_t i = 0; i < batch.size(); ++i) {
            graph_.set(batch[i], chosen[i]);
            for (const std::uint32_t neighbor : chosen[i])
                edges.push_back({neighbor, batch[i]});
        }
        for_each_target(edges, arena_, [&](std::span<const Edge> incoming, std::uint32_t thread) {
            add_incoming(incoming, thread);
        });
    }

    void add_incoming(std::span<const Edge> incoming, std::uint32_t thread) {
        const std::uint32_t vertex = incoming.front().to;
        const auto present = graph_.neighbors(vertex);
        std::vector<std::uint32_t> ids(present.begin(), present.end());
        for (const Edge& edge : incoming)
            ids.push_back(edge.from);
        std::sort(ids.begin(), ids.end());
        ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
        if (ids.size() > graph_.capacity()) {
            GreedySearchScratch& search = search_[thread];
            search.distances.resize(ids.size());
            points_.distances(vertex, ids, search.distances.data());
            search.expanded.clear();
            for (std::size_t i = 0; i < ids.size(); ++i)
                search.expanded.push_back({search.distances[i], ids[i], 0});
            std::sort(search.expanded.begin(), search.expanded.end(), nearer);
            const auto kept = keep(graph_.capacity(), thread);
            ids.assign(kept.begin(), kept.end());
        }
        graph_.set(vertex, ids);
    }

    // Of the candidates in search.expanded, sorted: those that no kept one is larger with, and then
    // the largest of the others.
    std::span<const std::uint32_t> keep(std::uint32_t most, std::uint32_t thread) {
        const std::span<const Candidate> candidates = search_[thread].expanded;
        PruneScratch& scratch = prune_[thread];
        robust_prune(points_, candidates, {most, 1.0F}, scratch);
        std::vector<std::uint32_t>& kept = scratch.kept;
        const std::size_t diverse = kept.size();
        for (const Candidate& candidate : candidates) {
            if (kept.size() >= most) break;
            const auto first = kept.begin();
            const auto last = first + static_cast<std::ptrdiff_t>(diverse);
            if (std::find(first, last, candidate.vertex) == last) kept.push_back(candidate.vertex);
        }
        return kept;
    }

    PointSet points_;
    ProductEdgeOptions options_;
    const base::Arena& arena_;
    Adjacency graph_;
    std::vector<std::uint32_t> order_;         // longest first
    std::vector<GreedySearchScratch> search_;  // per thread
    std::vector<PruneScratch> prune_;          // per thread
};

// The neighbours of the vertex with the edges, which the farthest make room for.
void join(const PointSet& points, std::uint32_t vertex, std::span<const std::uint32_t> edges,
          Adjacency& graph) {
    const auto present = graph.neighbors(vertex);
    std::vector<float> distances(present.size());
    points.distances(vertex, present, distances.data());
    std::vector<Candidate> near;
    for (std::size_t i = 0; i < present.size(); ++i) {
        if (std::find(edges.begin(), edges.end(), present[i]) == edges.end())
            near.push_back({distances[i], present[i], 0});
    }
    std::sort(near.begin(), near.end(), nearer);
    std::vector<std::uint32_t> all(edges.begin(), edges.end());
    for (const Candidate& candidate : near) {
        if (all.size() < graph.capacity()) all.push_back(candidate.vertex);
    }
    graph.set(vertex, all);
}

}  // namespace

bool needs_product_edges(const PointSet& points, const base::Arena& arena) {
    if (!points.is_lifted()) return false;
    std::vector<float> lengths = points.lengths(arena);
    const auto middle = lengths.begin() + static_cast<std::ptrdiff_t>(lengths.size() / 2);
    std::nth_element(lengths.begin(), middle, lengths.end());
    return *std::max_element(middle, lengths.end()) > kUnequal * *middle;
}

void add_product_edges(const PointSet& points, const ProductEdgeOptions& options,
                       const base::Arena& arena, Adjacency& graph) {
    TRACKWAY_ASSERT(points.is_lifted());
    const std::uint32_t edges = std::min(options.edges, graph.capacity() / 2);
    if (edges == 0) return;
    ProductGraph by_product(points, {edges, std::max(options.list_size, edges)}, arena);
    by_product.build();
    arena.parallel_for(points.count(), kVerticesAtATime,
                       [&](std::size_t begin, std::size_t end, std::uint32_t thread) {
                           for (std::size_t i = begin; i < end; ++i) {
                               const auto vertex = static_cast<std::uint32_t>(i);
                               join(points, vertex, by_product.choose(vertex, thread), graph);
                           }
                       });
}

std::uint64_t product_edge_bytes(std::uint64_t points, const ProductEdgeOptions& options) noexcept {
    return points * (4 * (2 * std::uint64_t{options.edges} + 1) + 16);
}

}  // namespace trackway::graph
