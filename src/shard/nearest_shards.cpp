#include "shard/nearest_shards.h"

#include "distance/distance.h"

#include <algorithm>
#include <limits>

namespace trackway::shard {
namespace {

float between(const Points& cells, std::uint32_t a, std::uint32_t b) {
    const void* base = cells.row(b).data();
    float found = 0;
    distance::distance_function(Metric::kL2, ElementType::kFloat32)(
        cells.row(a).data(), {static_cast<const std::byte*>(base), 0, nullptr, 1},
        cells.dimension(), &found);
    return found;
}

}  // namespace

NearestShards::NearestShards(const Points& cells, std::span<const std::uint32_t> shard_of,
                             std::uint32_t shards)
    : cells_(cells), shard_of_(shard_of), distances_(cells.count()), best_(shards) {}

std::span<const NearShard> NearestShards::find(std::span<const float> point) {
    cells_.distances(point, distances_);
    for (std::uint32_t s = 0; s < best_.size(); ++s)
        best_[s] = {s, 0, std::numeric_limits<float>::infinity()};
    for (std::uint32_t c = 0; c < distances_.size(); ++c) {
        NearShard& best = best_[shard_of_[c]];
        if (distances_[c] < best.distance) best = {best.shard, c, distances_[c]};
    }
    near_.assign(best_.begin(), best_.end());
    const auto nearer = [](const NearShard& a, const NearShard& b) {
        return a.distance < b.distance || (a.distance == b.distance && a.shard < b.shard);
    };
    const std::size_t most = std::min(kMost, near_.size());
    std::partial_sort(near_.begin(), near_.begin() + static_cast<std::ptrdiff_t>(most), near_.end(),
                      nearer);
    near_.resize(most);
    // A shard may have no cell at all.
    while (near_.size() > 1 && near_.back().distance == std::numeric_limits<float>::infinity())
        near_.pop_back();
    return near_;
}

std::span<const NearShard> NearestShards::replicas(std::span<const NearShard> near) {
    taken_.clear();
    for (const NearShard& candidate : near.subspan(1)) {
        if (taken_.size() == kReplicasMax) break;
        const bool occluded = std::any_of(taken_.begin(), taken_.end(), [&](const NearShard& t) {
            return between(cells_, t.cell, candidate.cell) < candidate.distance;
        });
        if (!occluded) taken_.push_back(candidate);
    }
    return taken_;
}

}  // namespace trackway::shard
