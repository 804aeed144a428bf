#include "graph/robust_prune.h"

#include <algorithm>

namespace trackway::graph {
namespace {

// Measures a few kept vertices per call and stops at the first that occludes: near ones, which
// occlude most, come first.
bool occluded(const PointSet& points, const Candidate& candidate, float alpha,
              PruneScratch& scratch) {
    constexpr std::size_t kStep = 8;
    const std::span<const std::uint32_t> kept = scratch.kept;
    scratch.distances.resize(kStep);
    for (std::size_t begin = 0; begin < kept.size(); begin += kStep) {
        const auto part = kept.subspan(begin, std::min(kStep, kept.size() - begin));
        points.distances(candidate.vertex, part, scratch.distances.data());
        for (std::size_t i = 0; i < part.size(); ++i) {
            if (alpha * scratch.distances[i] <= candidate.distance) return true;
        }
    }
    return false;
}

}  // namespace

void robust_prune(const PointSet& points, std::span<const Candidate> candidates,
                  const PruneOptions& options, PruneScratch& scratch) {
    scratch.kept.clear();
    for (const Candidate& candidate : candidates) {
        if (scratch.kept.size() == options.max_degree) return;
        if (!occluded(points, candidate, options.alpha, scratch)) {
            scratch.kept.push_back(candidate.vertex);
        }
    }
}

}  // namespace trackway::graph
