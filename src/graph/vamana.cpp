#include "graph/vamana.h"

#include "base/assert.h"
#include "base/errors.h"
#include "base/random.h"
#include "graph/greedy_search.h"
#include "graph/reachability.h"
#include "graph/reverse_edges.h"
#include "graph/robust_prune.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace trackway::graph {
namespace {

// Lists may grow this far beyond max_degree before they are pruned, so that a prune serves many
// new edges.
std::uint32_t list_capacity(std::uint32_t max_degree) {
    return max_degree + max_degree / 3 + 1;
}

class Builder {
public:
    Builder(const PointSet& points, const VamanaOptions& options, const base::Arena& arena,
            const VamanaWatch& watch)
        : points_(points),
          options_(options),
          arena_(arena),
          watch_(watch),
          graph_(points.count(), list_capacity(options.max_degree)),
          search_scratch_(arena.thread_count()),
          prune_scratch_(arena.thread_count()) {}

    // Two passes: a draft with short lists gives the second, thorough one a whole graph to search.
    // That costs a fifth more than one thorough pass and finds better edges (README, Decisions).
    Result<VamanaGraph> build() {
        entry_point_ = points_.medoid(arena_);
        base::Random random(options_.seed);
        auto order = base::random_permutation(points_.count(), random);
        std::iter_swap(order.begin(), std::find(order.begin(), order.end(), entry_point_));
        std::uint64_t done = 0;
        if (watch_.restore) {
            TRACKWAY_TRY_ASSIGN(kept, watch_.restore(graph_));
            done = kept;
        }
        const std::uint64_t count = order.size();
        list_size_ = std::max(options_.build_list_size / 3, 1U);
        if (done < count) TRACKWAY_TRY(pass(order, std::max<std::uint64_t>(done, 1), true));
        list_size_ = options_.build_list_size;
        TRACKWAY_TRY(pass(order, done > count ? done - count : 0, false));
        if (arena_.stopped()) return VamanaGraph();
        Adjacency trimmed = trim();
        if (!arena_.stopped()) {
            connect_all(points_, entry_point_, options_.build_list_size, trimmed);
        }
        return VamanaGraph{std::move(trimmed), entry_point_};
    }

private:
    // Chooses edges for all points of the order from `begin` on. In a draft those before are all
    // that the graph knows.
    Status pass(std::span<const std::uint32_t> order, std::size_t begin, bool draft) {
        while (begin < order.size() && !arena_.stopped()) {
            const std::size_t known = draft ? begin : order.size();
            const std::size_t size =
                std::min({order.size() - begin, known, largest_batch(order.size())});
            insert(order.subspan(begin, size));
            if (arena_.stopped()) break;
            begin += size;
            if (watch_.inserted) {  // never all: what comes after takes time as well
                const std::size_t done = draft ? begin / 4 : (order.size() + 3 * begin) / 4;
                watch_.inserted(static_cast<std::uint32_t>(std::min(done, order.size() - 1)));
            }
            if (watch_.keep) TRACKWAY_TRY(watch_.keep(begin + (draft ? 0 : order.size()), graph_));
        }
        return {};
    }

    void insert(std::span<const std::uint32_t> batch) {
        chosen_.resize(batch.size());
        arena_.parallel_for(batch.size(), kVerticesAtATime,
                            [&](std::size_t begin, std::size_t end, std::uint32_t thread) {
                                for (std::size_t i = begin; i < end; ++i)
                                    choose_edges(batch[i], thread, chosen_[i]);
                            });
        if (arena_.stopped()) return;
        std::vector<Edge> edges;
        for (std::size_t i = 0; i < batch.size(); ++i) {
            graph_.set(batch[i], chosen_[i]);
            for (const std::uint32_t neighbor : chosen_[i])
                edges.push_back({neighbor, batch[i]});
        }
        for_each_target(edges, arena_, [&](std::span<const Edge> incoming, std::uint32_t thread) {
            merge_edges(incoming, thread);
        });
    }

    // Changes nothing that another search of this batch may read. The candidates are what the
    // search expanded and the neighbours that the point has.
    void choose_edges(std::uint32_t point, std::uint32_t thread,
                      std::vector<std::uint32_t>& chosen) {
        GreedySearchScratch& search = search_scratch_[thread];
        greedy_search(points_, graph_, point, {entry_point_, list_size_}, search);
        add_candidates(point, graph_.neighbors(point), search);
        prune(search.expanded, thread);
        chosen = prune_scratch_[thread].kept;
    }

    void merge_edges(std::span<const Edge> incoming, std::uint32_t thread) {
        const std::uint32_t vertex = incoming.front().to;
        std::vector<std::uint32_t>& ids = search_scratch_[thread].ids;
        const auto present = graph_.neighbors(vertex);
        ids.assign(present.begin(), present.end());
        for (const Edge& edge : incoming) {
            const auto old = std::span(ids).first(present.size());
            if (std::find(old.begin(), old.end(), edge.from) == old.end()) {
                ids.push_back(edge.from);
            }
        }
        if (ids.size() > graph_.capacity()) prune_neighbors(vertex, ids, thread);
        graph_.set(vertex, ids);
    }

    // Leaves in ids, the distinct neighbours of the vertex, at most max_degree.
    void prune_neighbors(std::uint32_t vertex, std::vector<std::uint32_t>& ids,
                         std::uint32_t thread) {
        GreedySearchScratch& search = search_scratch_[thread];
        search.expanded.clear();
        add_candidates(vertex, ids, search);
        prune(search.expanded, thread);
        ids = prune_scratch_[thread].kept;
    }

    void add_candidates(std::uint32_t vertex, std::span<const std::uint32_t> ids,
                        GreedySearchScratch& search) {
        search.distances.resize(ids.size());
        points_.distances(vertex, ids, search.distances.data());
        for (std::size_t i = 0; i < ids.size(); ++i)
            search.expanded.push_back({search.distances[i], ids[i], 0});
    }

    void prune(std::vector<Candidate>& candidates, std::uint32_t thread) {
        std::sort(candidates.begin(), candidates.end(), nearer);
        const auto same = [](const Candidate& x, const Candidate& y) {
            return x.vertex == y.vertex;
        };
        candidates.erase(std::unique(candidates.begin(), candidates.end(), same), candidates.end());
        robust_prune(points_, candidates, {options_.max_degree, options_.alpha},
                     prune_scratch_[thread]);
    }

    Adjacency trim() {
        Adjacency trimmed(points_.count(), options_.max_degree);
        arena_.parallel_for(points_.count(), kVerticesAtATime,
                            [&](std::size_t begin, std::size_t end, std::uint32_t thread) {
                                std::vector<std::uint32_t> ids;
                                for (std::size_t i = begin; i < end; ++i) {
                                    const auto vertex = static_cast<std::uint32_t>(i);
                                    const auto neighbors = graph_.neighbors(vertex);
                                    ids.assign(neighbors.begin(), neighbors.end());
                                    if (ids.size() > options_.max_degree)
                                        prune_neighbors(vertex, ids, thread);
                                    trimmed.set(vertex, ids);
                                }
                            });
        return trimmed;
    }

    const PointSet& points_;
    VamanaOptions options_;
    const base::Arena& arena_;
    const VamanaWatch& watch_;
    std::uint32_t entry_point_ = 0;
    std::uint32_t list_size_ = 0;  // of the present pass
    Adjacency graph_;
    std::vector<GreedySearchScratch> search_scratch_;  // per thread
    std::vector<PruneScratch> prune_scratch_;          // per thread
    std::vector<std::vector<std::uint32_t>> chosen_;   // per point of the batch
};

}  // namespace

Result<VamanaGraph> build_vamana(const PointSet& points, const VamanaOptions& options,
                                 const base::Arena& arena, const VamanaWatch& watch) {
    TRACKWAY_ASSERT(points.count() > 0);
    TRACKWAY_ASSERT(options.max_degree > 0 && options.build_list_size > 0);
    TRACKWAY_ASSERT(options.alpha >= 1);
    return Builder(points, options, arena, watch).build();
}

std::uint64_t vamana_bytes(std::uint64_t points, const VamanaOptions& options,
                           std::uint32_t threads) {
    constexpr std::uint64_t kScratch = std::uint64_t{1} << 20U;  // seen set, lists
    const std::uint64_t lists =
        points * 4 * (list_capacity(options.max_degree) + options.max_degree + 2);
    const std::uint64_t reverse = 3 * sizeof(Edge) * largest_batch(points) * options.max_degree;
    return lists + reverse + points * 16 + threads * kScratch;
}

}  // namespace trackway::graph
