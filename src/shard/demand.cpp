#include "shard/demand.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

namespace trackway::shard {
namespace {

constexpr std::uint32_t kRounds = 3;
constexpr double kNextShard = 0.5;  // what it is worth against the one before

struct Gain {
    std::uint32_t row = 0;  // of those in lists
    std::uint32_t shard = 0;
    double gain = 0;
};

bool by_row(const Replica& a, const Replica& b) noexcept {
    return std::tie(a.row, a.shard) < std::tie(b.row, b.shard);
}

class Demand {
public:
    Demand(std::span<const std::vector<std::uint32_t>> nearest,
           std::span<const std::uint16_t> homes, std::uint32_t shards)
        : shards_(shards) {
        for (const auto& rows : nearest)
            rows_.insert(rows_.end(), rows.begin(), rows.end());
        std::sort(rows_.begin(), rows_.end());
        rows_.erase(std::unique(rows_.begin(), rows_.end()), rows_.end());
        for (const std::uint32_t row : rows_)
            holders_.push_back({homes[row]});
        for (const auto& rows : nearest) {
            auto& numbers = lists_.emplace_back();
            for (const std::uint32_t row : rows) {
                const auto at = std::lower_bound(rows_.begin(), rows_.end(), row);
                numbers.push_back(static_cast<std::uint32_t>(at - rows_.begin()));
            }
        }
    }

    std::vector<Replica> run(const ReplicaLimits& limits) {
        std::vector<Replica> taken;
        std::vector<std::uint64_t> counts(shards_, 0);
        for (std::uint64_t round = 1; round <= kRounds; ++round) {
            for (const Gain& gain : gains()) {
                if (taken.size() >= limits.replicas * round / kRounds) break;
                if (counts[gain.shard] >= limits.replicas_of_shard) continue;
                ++counts[gain.shard];
                holders_[gain.row].push_back(static_cast<std::uint16_t>(gain.shard));
                taken.push_back({rows_[gain.row], gain.shard});
            }
        }
        std::sort(taken.begin(), taken.end(), by_row);
        return taken;
    }

private:
    // Of all replicas that would gain something, the largest first.
    std::vector<Gain> gains() const {
        std::vector<Gain> all;
        std::vector<std::uint32_t> counts(shards_);
        std::vector<std::uint32_t> order(shards_);
        std::vector<double> worth_of_rank(shards_);
        for (std::uint32_t rank = 0; rank < shards_; ++rank)
            worth_of_rank[rank] = std::pow(kNextShard, rank);
        std::vector<double> worth(shards_);
        for (const auto& list : lists_) {
            std::fill(counts.begin(), counts.end(), 0);
            for (const std::uint32_t row : list) {
                for (const std::uint16_t shard : holders_[row])
                    ++counts[shard];
            }
            std::iota(order.begin(), order.end(), 0U);
            std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
                return counts[a] > counts[b];
            });
            for (std::uint32_t rank = 0; rank < shards_; ++rank)
                worth[order[rank]] = worth_of_rank[rank];
            for (const std::uint32_t row : list) {
                double best = 0;
                for (const std::uint16_t shard : holders_[row])
                    best = std::max(best, worth[shard]);
                for (const std::uint32_t shard : order) {
                    if (worth[shard] <= best || counts[shard] == 0) break;
                    all.push_back({row, shard, worth[shard] - best});
                }
            }
        }
        return summed(std::move(all));
    }

    static std::vector<Gain> summed(std::vector<Gain> all) {
        std::sort(all.begin(), all.end(), [](const Gain& a, const Gain& b) {
            return std::tie(a.row, a.shard, a.gain) < std::tie(b.row, b.shard, b.gain);
        });
        std::vector<Gain> sums;
        for (const Gain& gain : all) {
            if (!sums.empty() && sums.back().row == gain.row && sums.back().shard == gain.shard) {
                sums.back().gain += gain.gain;
            } else {
                sums.push_back(gain);
            }
        }
        std::stable_sort(sums.begin(), sums.end(),
                         [](const Gain& a, const Gain& b) { return a.gain > b.gain; });
        return sums;
    }

    std::uint32_t shards_;
    std::vector<std::uint32_t> rows_;                  // that stand in lists, rising
    std::vector<std::vector<std::uint16_t>> holders_;  // of each: shards that have it
    std::vector<std::vector<std::uint32_t>> lists_;    // of each query: numbers of rows_
};

}  // namespace

std::vector<Replica> demanded_replicas(std::span<const std::vector<std::uint32_t>> nearest,
                                       std::span<const std::uint16_t> homes, std::uint32_t shards,
                                       const ReplicaLimits& limits) {
    return Demand(nearest, homes, shards).run(limits);
}

std::vector<Replica> join_replicas(std::vector<Replica> demanded,
                                   std::span<const Replica> at_boundaries, std::uint32_t shards,
                                   const ReplicaLimits& limits) {
    std::vector<std::uint64_t> counts(shards, 0);
    for (const Replica& replica : demanded)
        ++counts[replica.shard];
    const std::size_t before = demanded.size();
    std::vector<Replica> others(at_boundaries.begin(), at_boundaries.end());
    std::stable_sort(others.begin(), others.end(),
                     [](const Replica& a, const Replica& b) { return a.ratio < b.ratio; });
    for (const Replica& replica : others) {
        if (demanded.size() >= limits.replicas) break;
        const auto first = demanded.begin();
        const bool is_there =
            std::binary_search(first, first + static_cast<std::ptrdiff_t>(before), replica, by_row);
        if (is_there || counts[replica.shard] >= limits.replicas_of_shard) continue;
        ++counts[replica.shard];
        demanded.push_back(replica);
    }
    std::sort(demanded.begin(), demanded.end(), by_row);
    return demanded;
}

}  // namespace trackway::shard
