#include "build/bridges.h"

#include "graph/frontier.h"
#include "graph/point_set.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace trackway::builder {
namespace {

constexpr std::size_t kVerticesAtATime = 64;
// Of what the vertices left out lead to, the nearest few: others are occluded, nearly always.
constexpr std::size_t kTried = 3;

struct Found {
    std::uint32_t query;
    beam::Bridge bridge;
};

// Which query leaves out a vertex.
class Owners {
public:
    Owners(std::uint32_t vertices, const JudgingQueries& judging) : is_left_out_(vertices) {
        for (std::uint32_t query = 0; query < judging.same.size(); ++query) {
            if (judging.same[query].size() > kCopiesBridged) continue;
            for (const std::uint32_t vertex : judging.same[query]) {
                is_left_out_[vertex] = true;
                owners_.emplace_back(vertex, query);
            }
        }
        std::sort(owners_.begin(), owners_.end());
    }

    bool empty() const noexcept { return owners_.empty(); }
    bool leaves_out(std::uint32_t vertex) const noexcept { return is_left_out_[vertex]; }
    // REQUIRES: leaves_out(vertex). Equal queries are one: it has one owner.
    std::uint32_t owner(std::uint32_t vertex) const noexcept {
        return std::lower_bound(owners_.begin(), owners_.end(), std::pair(vertex, 0U))->second;
    }

private:
    std::vector<bool> is_left_out_;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> owners_;
};

// One thread's work.
class Finder {
public:
    Finder(const BridgeTask& task, const graph::PointSet& points, const Owners& owners,
           const JudgingQueries& judging)
        : task_(task), points_(points), owners_(owners), judging_(judging) {}

    void visit(std::uint32_t vertex) {
        for (const std::uint32_t neighbor : task_.adjacency.neighbors(vertex)) {
            if (!owners_.leaves_out(neighbor)) continue;
            const std::uint32_t query = owners_.owner(neighbor);
            const bool is_new =
                std::find(queries_.begin(), queries_.end(), query) == queries_.end();
            if (is_new) queries_.push_back(query);
        }
        for (const std::uint32_t query : queries_) {
            const auto& left_out = judging_.same[query];
            if (!std::binary_search(left_out.begin(), left_out.end(), vertex))
                replace_edges(vertex, query, left_out);
        }
        queries_.clear();
    }

    std::vector<Found>& found() noexcept { return found_; }

private:
    void replace_edges(std::uint32_t vertex, std::uint32_t query,
                       std::span<const std::uint32_t> left_out) {
        const auto is_left_out = [&](std::uint32_t other) {
            return std::binary_search(left_out.begin(), left_out.end(), other);
        };
        const auto neighbors = task_.adjacency.neighbors(vertex);
        kept_.clear();
        ids_.clear();
        passed_.clear();
        for (const std::uint32_t neighbor : neighbors)
            (is_left_out(neighbor) ? passed_ : kept_).push_back(neighbor);
        std::size_t freed = passed_.size();
        // Copies lead to copies first.
        for (std::size_t next = 0; next < passed_.size(); ++next) {
            for (const std::uint32_t other : task_.adjacency.neighbors(passed_[next])) {
                if (!is_left_out(other)) {
                    if (other != vertex) ids_.push_back(other);
                } else if (std::find(passed_.begin(), passed_.end(), other) == passed_.end()) {
                    passed_.push_back(other);
                }
            }
        }
        std::sort(ids_.begin(), ids_.end());
        ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
        std::erase_if(ids_, [&](std::uint32_t other) {
            return std::find(neighbors.begin(), neighbors.end(), other) != neighbors.end();
        });
        nearest_.reset(kTried);
        measure(vertex, ids_);
        for (std::size_t i = 0; i < ids_.size(); ++i)
            nearest_.insert({distances_[i], ids_[i], 0});
        measure(vertex, kept_);
        own_distances_ = distances_;
        for (const graph::Candidate& candidate : nearest_.list()) {
            if (freed == 0) return;
            if (is_occluded(candidate)) continue;
            found_.push_back({query, {vertex, candidate.vertex}});
            kept_.push_back(candidate.vertex);
            own_distances_.push_back(candidate.distance);
            --freed;
        }
    }

    bool is_occluded(const graph::Candidate& candidate) {
        measure(candidate.vertex, kept_);
        for (std::size_t i = 0; i < kept_.size(); ++i) {
            const bool is_nearer = own_distances_[i] <= candidate.distance;
            if (is_nearer && task_.alpha * distances_[i] <= candidate.distance) return true;
        }
        return false;
    }

    void measure(std::uint32_t vertex, std::span<const std::uint32_t> ids) {
        distances_.resize(ids.size());
        points_.distances(vertex, ids, distances_.data());
    }

    const BridgeTask& task_;
    const graph::PointSet& points_;
    const Owners& owners_;
    const JudgingQueries& judging_;
    std::vector<Found> found_;
    std::vector<std::uint32_t> queries_;
    std::vector<std::uint32_t> kept_;
    std::vector<std::uint32_t> passed_;  // left out, on the way
    std::vector<std::uint32_t> ids_;
    std::vector<float> distances_;
    std::vector<float> own_distances_;  // of kept_
    graph::Frontier nearest_;
};

}  // namespace

void find_bridges(const BridgeTask& task, const base::Arena& arena, JudgingQueries& judging) {
    judging.bridges.assign(judging.same.size(), {});
    const std::uint32_t vertices = task.adjacency.vertex_count();
    const Owners owners(vertices, judging);
    if (owners.empty()) return;
    const graph::PointSet points(task.vectors, task.metric, arena);
    std::vector<Finder> finders;
    for (std::uint32_t thread = 0; thread < arena.thread_count(); ++thread)
        finders.emplace_back(task, points, owners, judging);
    arena.parallel_for(vertices, kVerticesAtATime,
                       [&](std::size_t begin, std::size_t end, std::uint32_t thread) {
                           for (std::size_t vertex = begin; vertex < end; ++vertex)
                               finders[thread].visit(static_cast<std::uint32_t>(vertex));
                       });
    for (Finder& finder : finders) {
        for (const Found& found : finder.found())
            judging.bridges[found.query].push_back(found.bridge);
    }
    for (std::vector<beam::Bridge>& bridges : judging.bridges)
        std::sort(bridges.begin(), bridges.end());
}

}  // namespace trackway::builder
