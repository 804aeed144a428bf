#include "layouts/affinity_swaps.h"

#include <algorithm>

namespace trackway::layouts {
namespace {

constexpr std::size_t kRound = 8192;  // vertices whose proposals are made before any is applied
constexpr std::size_t kBlock = 128;
constexpr float kLeastGain = 1e-3F;
constexpr double kWorthTrying = 0.8;  // of its present sum, for a swap with a page to be tried

}  // namespace

AffinitySwaps::AffinitySwaps(const Affinity& affinity, const PageOrderInput& input,
                             const PageGeometry& geometry, const PageGroups& groups)
    : affinity_(affinity),
      degrees_(input.degrees),
      members_(groups.page_count()),
      room_(groups.page_count(), PageRoom(geometry)),
      page_of_(groups.order.size()),
      own_(groups.order.size(), 0) {
    for (std::uint32_t page = 0; page < groups.page_count(); ++page) {
        const auto members = groups.page(page);
        members_[page].assign(members.begin(), members.end());
        for (const std::uint32_t vertex : members) {
            page_of_[vertex] = page;
            room_[page].add(degrees_[vertex]);
        }
    }
}

PageGroups AffinitySwaps::run(const base::Arena& arena) {
    std::vector<Scratch> scratch(arena.thread_count());
    arena.parallel_for(members_.size(), kBlock,
                       [&](std::size_t begin, std::size_t end, std::uint32_t thread) {
                           for (std::size_t page = begin; page < end; ++page)
                               refresh(static_cast<std::uint32_t>(page), scratch[thread]);
                       });
    std::vector<Proposal> proposals(std::min(kRound, page_of_.size()));
    std::vector<std::uint32_t> changed(members_.size(), kNone);  // round of a page's last change
    std::uint32_t round = 0;
    for (std::size_t from = 0; from < page_of_.size() && !arena.stopped();
         from += kRound, ++round) {
        const std::size_t count = std::min(kRound, page_of_.size() - from);
        arena.parallel_for(
            count, kBlock, [&](std::size_t begin, std::size_t end, std::uint32_t thread) {
                for (std::size_t i = begin; i < end; ++i)
                    proposals[i] = propose(static_cast<std::uint32_t>(from + i), scratch[thread]);
            });
        for (std::size_t i = 0; i < count && !arena.stopped(); ++i) {
            const auto vertex = static_cast<std::uint32_t>(from + i);
            const std::uint32_t page = proposals[i].page;
            const std::uint32_t old = page_of_[vertex];
            if (page == kNone || changed[page] == round || changed[old] == round) continue;
            changed[page] = round;
            changed[old] = round;
            move(vertex, page);
            if (proposals[i].partner != kNone) move(proposals[i].partner, old);
            refresh(page, scratch[0]);
            refresh(old, scratch[0]);
        }
    }
    PageGroups groups;
    groups.order.reserve(page_of_.size());
    for (const auto& members : members_) {
        if (members.empty()) continue;
        groups.first.push_back(static_cast<std::uint32_t>(groups.order.size()));
        groups.order.insert(groups.order.end(), members.begin(), members.end());
    }
    groups.first.push_back(static_cast<std::uint32_t>(groups.order.size()));
    return groups;
}

// Of the vertex to all members of the page but itself; near[i] to member i.
double AffinitySwaps::sum_to(std::uint32_t vertex, std::uint32_t page,
                             std::vector<float>& near) const {
    const std::vector<std::uint32_t>& members = members_[page];
    near.resize(members.size());
    affinity_.nearness(vertex, members, near.data());
    for (const Covisit& edge : affinity_.covisits(vertex)) {
        if (page_of_[edge.vertex] != page) continue;
        const auto at = std::find(members.begin(), members.end(), edge.vertex) - members.begin();
        near[static_cast<std::size_t>(at)] += affinity_.weight() * edge.weight;
    }
    double sum = 0;
    for (std::size_t i = 0; i < members.size(); ++i) {
        if (members[i] != vertex) sum += double{near[i]};
    }
    return sum;
}

// The pages, other than its own, that most edges join the vertex to.
std::array<std::uint32_t, AffinitySwaps::kPagesTried> AffinitySwaps::nearest_pages(
    std::uint32_t vertex, Scratch& scratch) const {
    std::vector<std::uint32_t>& pages = scratch.pages;
    pages.clear();
    affinity_.for_each_joined(vertex, [&](std::uint32_t other) {
        if (page_of_[other] != page_of_[vertex]) pages.push_back(page_of_[other]);
    });
    std::sort(pages.begin(), pages.end());
    std::array<std::uint32_t, kPagesTried> best{};
    std::array<std::size_t, kPagesTried> edges{};
    best.fill(kNone);
    for (std::size_t begin = 0, end = 0; begin < pages.size(); begin = end) {
        while (end < pages.size() && pages[end] == pages[begin])
            ++end;
        std::size_t count = end - begin;
        std::uint32_t page = pages[begin];
        for (std::size_t rank = 0; rank < kPagesTried; ++rank) {
            if (count <= edges[rank]) continue;
            std::swap(count, edges[rank]);
            std::swap(page, best[rank]);
        }
    }
    return best;
}

// Half of a page's members are weaker.
bool AffinitySwaps::is_well_placed(std::uint32_t vertex) const {
    const std::vector<std::uint32_t>& members = members_[page_of_[vertex]];
    const auto weaker = std::count_if(members.begin(), members.end(), [&](std::uint32_t other) {
        return own_[other] < own_[vertex];
    });
    return weaker > 0 && 2 * static_cast<std::size_t>(weaker) >= members.size();
}

AffinitySwaps::Proposal AffinitySwaps::propose(std::uint32_t vertex, Scratch& scratch) const {
    Proposal best;
    best.gain = kLeastGain;
    if (is_well_placed(vertex)) return best;
    for (const std::uint32_t page : nearest_pages(vertex, scratch)) {
        if (page != kNone) try_page(vertex, page, best, scratch);
    }
    return best;
}

bool AffinitySwaps::swap_fits(std::uint32_t vertex, std::uint32_t page,
                              std::uint32_t partner) const {
    PageRoom there = room_[page];
    there.remove(degrees_[partner]);
    PageRoom here = room_[page_of_[vertex]];
    here.remove(degrees_[vertex]);
    return there.takes(degrees_[vertex]) && here.takes(degrees_[partner]);
}

// The gain of a swap is what both sums gain, without the affinity of the two, which both lose.
void AffinitySwaps::try_page(std::uint32_t vertex, std::uint32_t page, Proposal& best,
                             Scratch& scratch) const {
    const double there = sum_to(vertex, page, scratch.near);
    const double own = double{own_[vertex]};
    if (there < kWorthTrying * own) return;
    const std::uint32_t old = page_of_[vertex];
    if (room_[page].takes(degrees_[vertex]) && there - own > double{best.gain}) {
        best = {page, kNone, static_cast<float>(there - own)};
    }
    const std::vector<std::uint32_t>& members = members_[page];
    std::array<std::size_t, kMembersTried> weakest{};
    std::size_t found = 0;
    for (std::size_t i = 0; i < members.size(); ++i) {
        std::size_t at = found < kMembersTried ? found++ : kMembersTried;
        while (at > 0 && own_[members[i]] < own_[members[weakest[at - 1]]]) {
            if (at < kMembersTried) weakest[at] = weakest[at - 1];
            --at;
        }
        if (at < kMembersTried) weakest[at] = i;
    }
    for (std::size_t rank = 0; rank < found; ++rank) {
        const std::uint32_t partner = members[weakest[rank]];
        if (!swap_fits(vertex, page, partner)) continue;
        const double back = sum_to(partner, old, scratch.other);
        const double gain =
            there - own + back - double{own_[partner]} - 2 * double{scratch.near[weakest[rank]]};
        if (gain > double{best.gain}) best = {page, partner, static_cast<float>(gain)};
    }
}

void AffinitySwaps::move(std::uint32_t vertex, std::uint32_t to) {
    const std::uint32_t from = page_of_[vertex];
    std::erase(members_[from], vertex);
    room_[from].remove(degrees_[vertex]);
    members_[to].push_back(vertex);
    room_[to].add(degrees_[vertex]);
    page_of_[vertex] = to;
}

void AffinitySwaps::refresh(std::uint32_t page, Scratch& scratch) {
    for (const std::uint32_t vertex : members_[page])
        own_[vertex] = static_cast<float>(sum_to(vertex, page, scratch.near));
}

}  // namespace trackway::layouts
