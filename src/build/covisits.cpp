#include "build/covisits.h"

#include <algorithm>

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
    std::vector<float> saved(packing.place.size(), 0);
    std::vector<std::uint32_t> sorted;
    const auto page_of = [&](std::uint32_t vertex) {
        return packing.geometry.page_of(packing.place[vertex]);
    };
    for (const Visits& query : queries) {
        sorted = query.expanded;
        std::sort(sorted.begin(), sorted.end(), [&](std::uint32_t a, std::uint32_t b) {
            return packing.place[a] < packing.place[b];
        });
        for (std::size_t begin = 0, end = 0; begin < sorted.size(); begin = end) {
            while (end < sorted.size() && page_of(sorted[end]) == page_of(sorted[begin]))
                ++end;
            for (std::size_t i = begin; i < end; ++i)
                saved[sorted[i]] += 1 / static_cast<float>(end - begin);
        }
    }
    std::vector<std::uint32_t> vertices;
    for (std::uint32_t vertex = 0; vertex < saved.size(); ++vertex) {
        if (saved[vertex] > 0) vertices.push_back(vertex);
    }
    std::stable_sort(vertices.begin(), vertices.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return saved[a] > saved[b]; });
    vertices.resize(std::min(vertices.size(), saved.size() / kHotShare));
    for (std::uint32_t& vertex : vertices)
        vertex = static_cast<std::uint32_t>(packing.place[vertex]);
    return vertices;
}

std::uint64_t covisit_pair_bytes() noexcept {
    return kPairsMax * 2 * sizeof(Pair) * 3 / 2;
}

}  // namespace trackway::builder
