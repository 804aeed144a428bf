// Pages of vertices that are visited together. The affinity of two vertices is nearness, a kernel
// of their distance, plus a weight times how often queries visited both.
#include "base/assert.h"
#include "layouts/affinity.h"
#include "layouts/affinity_swaps.h"
#include "layouts/page_order.h"

#include <algorithm>
#include <utility>

namespace trackway::layouts {
namespace {

constexpr std::uint32_t kNone = UINT32_MAX;
constexpr std::size_t kPoolMax = 400;
constexpr std::uint32_t kSwapPasses = 3;
constexpr double kWorthAPass = 0.995;  // of the pages before, for another pass
// Weights of a co-visit that are tried; nearness is at most 1.
constexpr float kCovisitWeights[] = {0, 0.05F, 0.3F, 2.0F};

// Fills page after page. The pool holds the vertices that an edge or a co-visit joins to the page,
// each with the sum of its affinities to the page's members.
class Filler {
public:
    Filler(const Affinity& affinity, const PageOrderInput& input, const PageGeometry& geometry)
        : affinity_(affinity),
          degrees_(input.degrees),
          geometry_(geometry),
          room_(geometry),
          placed_(input.degrees.size(), false),
          slot_(input.degrees.size(), kNone),
          seeds_(insertion_order(static_cast<std::uint32_t>(input.degrees.size()))) {
        std::stable_sort(seeds_.begin(), seeds_.end(), [&](std::uint32_t a, std::uint32_t b) {
            return affinity.strength(a) > affinity.strength(b);
        });
        groups_.order.reserve(seeds_.size());
    }

    // The next page begins with what the last one left nearest, so that pages follow one another
    // through space and no vertex is left between two full pages.
    PageGroups run() && {
        for (std::uint32_t seed = next_seed(); seed != kNone; seed = left_over()) {
            begin_page();
            for (std::uint32_t vertex = seed; vertex != kNone; vertex = nearest_that_fits())
                add(vertex);
        }
        groups_.first.push_back(static_cast<std::uint32_t>(groups_.order.size()));
        return std::move(groups_);
    }

private:
    std::span<const std::uint32_t> members() const noexcept {
        return std::span(groups_.order).subspan(groups_.first.back());
    }

    std::uint32_t next_seed() {
        while (next_seed_ < seeds_.size() && placed_[seeds_[next_seed_]])
            ++next_seed_;
        return next_seed_ < seeds_.size() ? seeds_[next_seed_] : kNone;
    }

    std::uint32_t left_over() {
        const auto best = std::max_element(score_.begin(), score_.end());
        if (best == score_.end()) return next_seed();
        return pool_[static_cast<std::size_t>(best - score_.begin())];
    }

    void begin_page() {
        for (const std::uint32_t vertex : pool_)
            slot_[vertex] = kNone;
        pool_.clear();
        score_.clear();
        room_ = PageRoom(geometry_);
        groups_.first.push_back(static_cast<std::uint32_t>(groups_.order.size()));
    }

    void add(std::uint32_t vertex) {
        placed_[vertex] = true;
        room_.add(degrees_[vertex]);
        groups_.order.push_back(vertex);
        take_out(vertex);
        between_.resize(pool_.size());
        affinity_.nearness(vertex, pool_, between_.data());
        for (std::size_t i = 0; i < pool_.size(); ++i)
            score_[i] += between_[i];
        for (const Covisit& edge : affinity_.covisits(vertex)) {
            if (slot_[edge.vertex] != kNone)
                score_[slot_[edge.vertex]] += affinity_.weight() * edge.weight;
        }
        if (pool_.size() < kPoolMax) widen_pool(vertex);
    }

    void take_out(std::uint32_t vertex) {
        const std::uint32_t at = slot_[vertex];
        if (at == kNone) return;
        slot_[vertex] = kNone;
        pool_[at] = pool_.back();
        score_[at] = score_.back();
        pool_.pop_back();
        score_.pop_back();
        if (at < pool_.size()) slot_[pool_[at]] = at;
    }

    void widen_pool(std::uint32_t vertex) {
        const std::size_t old = pool_.size();
        const auto offer = [&](std::uint32_t other) {
            if (placed_[other] || slot_[other] != kNone) return;
            slot_[other] = static_cast<std::uint32_t>(pool_.size());
            pool_.push_back(other);
        };
        affinity_.for_each_joined(vertex, offer);
        for (const Covisit& edge : affinity_.covisits(vertex))
            offer(edge.vertex);
        score_.resize(pool_.size(), 0);
        const auto fresh = std::span(pool_).subspan(old);
        if (fresh.empty()) return;
        between_.resize(fresh.size());
        for (const std::uint32_t member : members()) {
            affinity_.nearness(member, fresh, between_.data());
            for (std::size_t i = 0; i < fresh.size(); ++i)
                score_[old + i] += between_[i];
            for (const Covisit& edge : affinity_.covisits(member)) {
                const std::uint32_t at = slot_[edge.vertex];
                if (at != kNone && at >= old) score_[at] += affinity_.weight() * edge.weight;
            }
        }
    }

    std::uint32_t nearest_that_fits() {
        std::size_t best = pool_.size();
        for (std::size_t i = 0; i < pool_.size(); ++i) {
            const bool better = best == pool_.size() || score_[i] > score_[best];
            if (better && room_.takes(degrees_[pool_[i]])) best = i;
        }
        if (best < pool_.size()) return pool_[best];
        if (!pool_.empty()) return kNone;
        const std::uint32_t seed = next_seed();
        return seed != kNone && room_.takes(degrees_[seed]) ? seed : kNone;
    }

    const Affinity& affinity_;
    std::span<const std::uint32_t> degrees_;
    const PageGeometry& geometry_;
    PageRoom room_;
    PageGroups groups_;
    std::vector<bool> placed_;
    std::vector<std::uint32_t> slot_;  // of each vertex in the pool
    std::vector<std::uint32_t> seeds_;
    std::size_t next_seed_ = 0;
    std::vector<std::uint32_t> pool_;
    std::vector<float> score_;
    std::vector<float> between_;
};

std::vector<std::uint32_t> page_of(const PageGroups& groups) {
    std::vector<std::uint32_t> pages(groups.order.size());
    for (std::uint32_t page = 0; page < groups.page_count(); ++page) {
        for (const std::uint32_t vertex : groups.page(page))
            pages[vertex] = page;
    }
    return pages;
}

}  // namespace

PageGroups affinity_groups(const PageOrderInput& input, const PageGeometry& geometry,
                           const base::Arena& arena) {
    Affinity affinity(input);
    PageGroups best = Filler(affinity, input, geometry).run();
    if (!input.judge) return best;
    double fewest = input.judge(page_of(best));
    float weight = 0;
    for (const float tried : kCovisitWeights) {
        if (tried == 0 || input.covisits.empty() || arena.stopped()) continue;
        affinity.set_weight(tried);
        PageGroups groups = Filler(affinity, input, geometry).run();
        const double pages = input.judge(page_of(groups));
        if (pages >= fewest) break;
        fewest = pages;
        weight = tried;
        best = std::move(groups);
    }
    affinity.set_weight(weight);
    for (std::uint32_t pass = 0; pass < kSwapPasses && !arena.stopped(); ++pass) {
        PageGroups swapped = AffinitySwaps(affinity, input, geometry, best).run(arena);
        const double pages = input.judge(page_of(swapped));
        if (pages >= fewest) break;
        const bool worth = pages < kWorthAPass * fewest;
        fewest = pages;
        best = std::move(swapped);
        if (!worth) break;
    }
    return best;
}

}  // namespace trackway::layouts
