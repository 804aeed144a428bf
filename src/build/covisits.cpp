#include "build/covisits.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace trackway::builder {
namespace {

constexpr std::size_t kWindow = 3;
constexpr float kLessUseful = 0.5F;
constexpr std::size_t kEdgesMax = 16;         // of one vertex
constexpr std::size_t kPairsMax = 1'000'000;  // before equal ones are added up
constexpr std::size_t kHotShare = 4;          // at most one vertex in so many is listed

struct Pair {
    std::uint32_t from, to;
    float weight;
};

// Adds up equal pairs; sums in the order in which they came.
void add_up(std::vector<Pair>& pairs) {
    std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) {
        return a.from < b.from || (a.from == b.from && a.to < b.to);
    });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        if (kept > 0 && pairs[kept - 1].from == pairs[i].from &&
            pairs[kept - 1].to == pairs[i].to) {
            pairs[kept - 1].weight += pairs[i].weight;
        } else {
            pairs[kept++] = pairs[i];
        }
    }
    pairs.resize(kept);
}

void join_one(const Visits& query, std::vector<Pair>& pairs) {
    const std::vector<std::uint32_t>& path = query.expanded;
    const auto is_useful = [&](std::uint32_t vertex) {
        return std::binary_search(query.useful.begin(), query.useful.end(), vertex);
    };
    for (std::size_t i = 0; i < path.size(); ++i) {
        for (std::size_t j = i + 1; j < std::min(path.size(), i + 1 + kWindow); ++j) {
            if (path[i] == path[j]) continue;
            const bool both = is_useful(path[i]) && is_useful(path[j]);
            const float weight = (both ? 1 : kLessUseful) / static_cast<float>(j - i);
            pairs.push_back({path[i], path[j], weight});
            pairs.push_back({path[j], path[i], weight});
        }
    }
}

// One vertex that one query expanded.
struct PageVisit {
    std::uint32_t page, query, slot;
    bool operator<(const PageVisit& other) const noexcept {
        return std::tie(page, query, slot) < std::tie(other.page, other.query, other.slot);
    }
};

// Vertices of one page that are worth most together: `vertices` places from `first` on.
struct Segment {
    std::size_t first = 0;
    std::uint64_t vertices = 0;
    std::uint64_t reads_saved = 0;
};

// A read of the page is saved for a query when all that it expands there is resident. Vertices are
// taken in the order of their visits; `saved` counts the reads that each number of them saves, and
// the upper hull of that curve cuts them into segments of falling worth.
void add_segments(std::span<const PageVisit> visits, const layouts::PageGeometry& geometry,
                  std::vector<std::uint32_t>& places, std::vector<Segment>& segments) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> slots;  // visits, slot
    for (const PageVisit& visit : visits) {
        if (visit.slot >= slots.size()) slots.resize(visit.slot + 1);
        slots[visit.slot].first += 1;
    }
    for (std::uint32_t slot = 0; slot < slots.size(); ++slot)
        slots[slot].second = slot;
    std::stable_sort(slots.begin(), slots.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    while (slots.back().first == 0)
        slots.pop_back();
    std::vector<std::size_t> rank(geometry.vertices_per_page, 0);
    for (std::size_t i = 0; i < slots.size(); ++i)
        rank[slots[i].second] = i;
    std::vector<std::uint64_t> saved(slots.size() + 1, 0);
    for (std::size_t begin = 0, end = 0; begin < visits.size(); begin = end) {
        std::size_t last = 0;
        for (; end < visits.size() && visits[end].query == visits[begin].query; ++end)
            last = std::max(last, rank[visits[end].slot]);
        ++saved[last + 1];
    }
    for (std::size_t i = 1; i < saved.size(); ++i)
        saved[i] += saved[i - 1];
    const std::size_t first = places.size();
    const PageId page{visits.front().page};
    for (const auto& [count, slot] : slots)
        places.push_back(static_cast<std::uint32_t>(geometry.place(page, slot)));
    for (std::size_t at = 0; at < slots.size();) {
        std::size_t best = at + 1;
        for (std::size_t to = at + 2; to < saved.size(); ++to) {
            if ((saved[to] - saved[at]) * (best - at) > (saved[best] - saved[at]) * (to - at))
                best = to;
        }
        segments.push_back({first + at, best - at, saved[best] - saved[at]});
        at = best;
    }
}

}  // namespace

layouts::CovisitGraph join_covisits(std::span<const Visits> queries, std::uint32_t vertex_count) {
    layouts::CovisitGraph graph;
    graph.strength.assign(vertex_count, 0);
    std::vector<Pair> pairs;
    std::size_t limit = kPairsMax;
    for (const Visits& query : queries) {
        for (const std::uint32_t vertex : query.expanded)
            graph.strength[vertex] += 1;
        join_one(query, pairs);
        if (pairs.size() <= limit) continue;
        add_up(pairs);
        limit = std::max(kPairsMax, 2 * pairs.size());
    }
    add_up(pairs);
    graph.first.assign(std::size_t{vertex_count} + 1, 0);
    std::size_t at = 0;
    for (std::uint32_t vertex = 0; vertex < vertex_count; ++vertex) {
        const std::size_t begin = at;
        while (at < pairs.size() && pairs[at].from == vertex)
            ++at;
        const auto mine = std::span(pairs).subspan(begin, at - begin);
        std::stable_sort(mine.begin(), mine.end(),
                         [](const Pair& a, const Pair& b) { return a.weight > b.weight; });
        for (const Pair& pair : mine.first(std::min(mine.size(), kEdgesMax)))
            graph.edges.push_back({pair.to, pair.weight});
        graph.first[vertex + 1] = graph.edges.size();
    }
    return graph;
}

double pages_per_query(std::span<const Visits> queries, std::span<const std::uint32_t> page_of) {
    std::uint64_t sum = 0;
    std::vector<std::uint32_t> pages;
    for (const Visits& query : queries) {
        pages.clear();
        for (const std::uint32_t vertex : query.expanded)
            pages.push_back(page_of[vertex]);
        std::sort(pages.begin(), pages.end());
        sum += static_cast<std::uint64_t>(std::unique(pages.begin(), pages.end()) - pages.begin());
    }
    return queries.empty() ? 0 : static_cast<double>(sum) / static_cast<double>(queries.size());
}

std::vector<std::uint32_t> hot_places(std::span<const Visits> queries,
                                      const layouts::PagePacking& packing) {
    std::vector<PageVisit> visits;
    for (std::uint32_t query = 0; query < queries.size(); ++query) {
        for (const std::uint32_t vertex : queries[query].expanded) {
            const LocalId place = packing.place[vertex];
            visits.push_back({static_cast<std::uint32_t>(packing.geometry.page_of(place)), query,
                              packing.geometry.slot_of(place)});
        }
    }
    std::sort(visits.begin(), visits.end());
    std::vector<Segment> segments;
    std::vector<std::uint32_t> places;
    for (std::size_t begin = 0, end = 0; begin < visits.size(); begin = end) {
        while (end < visits.size() && visits[end].page == visits[begin].page)
            ++end;
        add_segments(std::span(visits).subspan(begin, end - begin), packing.geometry, places,
                     segments);
    }
    std::stable_sort(segments.begin(), segments.end(), [](const Segment& a, const Segment& b) {
        return a.reads_saved * b.vertices > b.reads_saved * a.vertices;
    });
    std::vector<std::uint32_t> hot;
    for (const Segment& segment : segments) {
        const auto first = places.begin() + static_cast<std::ptrdiff_t>(segment.first);
        hot.insert(hot.end(), first, first + static_cast<std::ptrdiff_t>(segment.vertices));
    }
    hot.resize(std::min(hot.size(), packing.place.size() / kHotShare));
    return hot;
}

std::uint64_t covisit_pair_bytes() noexcept {
    return kPairsMax * 2 * sizeof(Pair) * 3 / 2;
}

}  // namespace trackway::builder
