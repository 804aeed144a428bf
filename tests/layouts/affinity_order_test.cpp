#include "base/random.h"
#include "layouts/affinity.h"
#include "layouts/affinity_swaps.h"
#include "layouts/page_order.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

using namespace trackway;
using namespace trackway::layouts;

namespace {

// Points in the plane, each joined to those nearest to it.
class Points final : public VertexRelations {
public:
    struct Point {
        float x, y;
    };

    Points(std::vector<Point> points, std::uint32_t joined) : points_(std::move(points)) {
        for (std::uint32_t v = 0; v < vertex_count(); ++v) {
            std::vector<std::uint32_t> others(points_.size());
            std::iota(others.begin(), others.end(), 0U);
            const auto sooner = [&](std::uint32_t a, std::uint32_t b) {
                return std::pair(apart(v, a), a) < std::pair(apart(v, b), b);
            };
            const auto end = others.begin() + static_cast<std::ptrdiff_t>(joined) + 1;
            std::partial_sort(others.begin(), end, others.end(), sooner);
            lists_.emplace_back(others.begin() + 1, end);
            degrees_.push_back(joined);
        }
    }
    std::uint32_t vertex_count() const noexcept override {
        return static_cast<std::uint32_t>(points_.size());
    }
    std::span<const std::uint32_t> neighbors(std::uint32_t vertex) const noexcept override {
        return lists_[vertex];
    }
    void distances(std::uint32_t vertex, std::span<const std::uint32_t> ids,
                   float* out) const override {
        for (std::size_t i = 0; i < ids.size(); ++i)
            out[i] = apart(vertex, ids[i]);
    }
    const std::vector<std::uint32_t>& degrees() const noexcept { return degrees_; }
    // Keeps this many of each vertex's edges.
    void cut_lists(const std::vector<std::uint32_t>& degrees) {
        degrees_ = degrees;
        for (std::uint32_t v = 0; v < vertex_count(); ++v)
            lists_[v].resize(degrees[v]);
    }

private:
    float apart(std::uint32_t a, std::uint32_t b) const {
        const float x = points_[a].x - points_[b].x;
        const float y = points_[a].y - points_[b].y;
        return x * x + y * y;
    }

    std::vector<Point> points_;
    std::vector<std::vector<std::uint32_t>> lists_;
    std::vector<std::uint32_t> degrees_;
};

// Points on a line one apart, numbered at random. position[v]: where v lies.
struct Line {
    std::vector<std::uint32_t> position;
    Points points;
};

Line line_of(std::uint32_t count, std::uint64_t seed) {
    base::Random random(seed);
    const auto position = base::random_permutation(count, random);
    std::vector<Points::Point> points;
    for (const std::uint32_t x : position)
        points.push_back({static_cast<float>(x), 0});
    return {position, Points(points, 8)};
}

PageGeometry geometry_of(std::uint32_t count, std::uint32_t vertices_per_page) {
    return {.page_size_bytes = 4096,
            .vector_bytes = 8,
            .vertices_per_page = vertices_per_page,
            .max_degree = 64,
            .row_bits = base::bit_width_of(count - 1),
            .row_count = count,
            .edges = EdgeCode::elias_fano(2 * std::uint64_t{count})};
}

std::vector<std::uint32_t> pages_of(const PageGroups& groups) {
    std::vector<std::uint32_t> pages(groups.order.size());
    for (std::uint32_t page = 0; page < groups.page_count(); ++page)
        for (const std::uint32_t vertex : groups.page(page))
            pages[vertex] = page;
    return pages;
}

void check_pages(const PageGroups& groups, const std::vector<std::uint32_t>& degrees,
                 const PageGeometry& geometry) {
    REQUIRE(groups.first.front() == 0);
    REQUIRE(groups.first.back() == degrees.size());
    std::vector<std::uint32_t> sorted = groups.order;
    std::sort(sorted.begin(), sorted.end());
    std::vector<std::uint32_t> all(degrees.size());
    std::iota(all.begin(), all.end(), 0U);
    REQUIRE(sorted == all);
    for (std::uint32_t page = 0; page < groups.page_count(); ++page) {
        std::uint64_t edge_bits = 0;
        for (const std::uint32_t vertex : groups.page(page))
            edge_bits += geometry.edges.bits(degrees[vertex]);
        const auto slots = static_cast<std::uint32_t>(groups.page(page).size());
        REQUIRE(slots > 0);
        REQUIRE(slots <= geometry.vertices_per_page);
        REQUIRE(fits(geometry, slots, edge_bits));
    }
}

// How far the vertices of a page lie apart on the line: of the page in the middle.
std::uint32_t usual_extent(const PageGroups& groups, const std::vector<std::uint32_t>& position) {
    std::vector<std::uint32_t> extents;
    for (std::uint32_t page = 0; page < groups.page_count(); ++page) {
        std::uint32_t low = UINT32_MAX, high = 0;
        for (const std::uint32_t vertex : groups.page(page)) {
            low = std::min(low, position[vertex]);
            high = std::max(high, position[vertex]);
        }
        extents.push_back(high - low);
    }
    std::sort(extents.begin(), extents.end());
    return extents[extents.size() / 2];
}

using Sets = std::vector<std::vector<std::uint32_t>>;

// Mean number of pages that the vertices of one set lie on.
double pages_per_set(const Sets& sets, std::span<const std::uint32_t> page_of) {
    std::size_t sum = 0;
    for (const auto& set : sets) {
        std::set<std::uint32_t> pages;
        for (const std::uint32_t vertex : set)
            pages.insert(page_of[vertex]);
        sum += pages.size();
    }
    return static_cast<double>(sum) / static_cast<double>(sets.size());
}

// Every vertex of a set joined to every other.
CovisitGraph covisits_of(const Sets& sets, std::uint32_t count, float weight) {
    CovisitGraph graph;
    std::vector<std::vector<Covisit>> edges(count);
    graph.strength.assign(count, 0);
    for (const auto& set : sets) {
        for (const std::uint32_t a : set) {
            graph.strength[a] += 1;
            for (const std::uint32_t b : set)
                if (a != b) edges[a].push_back({b, weight});
        }
    }
    graph.first.push_back(0);
    for (const auto& list : edges) {
        graph.edges.insert(graph.edges.end(), list.begin(), list.end());
        graph.first.push_back(graph.edges.size());
    }
    return graph;
}

// All vertices, in sets of 10 that have nothing to do with where they lie.
Sets scattered_sets(std::uint32_t count, std::uint64_t seed) {
    base::Random random(seed);
    const auto order = base::random_permutation(count, random);
    Sets sets;
    for (std::uint32_t at = 0; at < count; at += 10)
        sets.emplace_back(order.begin() + at, order.begin() + std::min(at + 10, count));
    return sets;
}

// Ten that follow one another on the line, from many places of it.
Sets near_sets(const std::vector<std::uint32_t>& position) {
    std::vector<std::uint32_t> at(position.size());
    for (std::uint32_t v = 0; v < position.size(); ++v)
        at[position[v]] = v;
    Sets sets;
    for (std::size_t from = 0; from + 10 <= at.size(); from += 7)
        sets.emplace_back(at.begin() + static_cast<std::ptrdiff_t>(from),
                          at.begin() + static_cast<std::ptrdiff_t>(from) + 10);
    return sets;
}

PageGroups groups_of(const Points& points, const CovisitGraph& covisits, const PageJudge& judge,
                     const PageGeometry& geometry, std::uint32_t threads = 1) {
    const base::Arena arena(threads);
    return affinity_groups({.vertices = points,
                            .degrees = points.degrees(),
                            .entry_point = 0,
                            .covisits = covisits,
                            .judge = judge},
                           geometry, arena);
}

// Of all pairs that share a page; each pair counts from both sides.
double affinity_inside(const Affinity& affinity, const PageGroups& groups) {
    const auto page_of = pages_of(groups);
    double sum = 0;
    std::vector<float> near;
    for (std::uint32_t v = 0; v < page_of.size(); ++v) {
        const auto members = groups.page(page_of[v]);
        near.resize(members.size());
        affinity.nearness(v, members, near.data());
        for (std::size_t i = 0; i < members.size(); ++i)
            if (members[i] != v) sum += double{near[i]};
        for (const Covisit& edge : affinity.covisits(v))
            if (page_of[edge.vertex] == page_of[v])
                sum += double{affinity.weight()} * double{edge.weight};
    }
    return sum;
}

}  // namespace

TEST_SUITE("layouts") {
    TEST_CASE("points that lie near one another on a line share pages") {
        const Line line = line_of(600, 1);
        const PageGeometry geometry = geometry_of(600, 10);
        const auto groups = groups_of(line.points, {}, {}, geometry);
        check_pages(groups, line.points.degrees(), geometry);
        CHECK(groups.page_count() == 60);
        CHECK(usual_extent(groups, line.position) < 12);  // 9 at best, 490 by chance
        const auto cut = cut_pages(insertion_order(600), line.points.degrees(), geometry);
        CHECK(usual_extent(cut, line.position) > 400);
    }

    TEST_CASE("points that lie near one another on a grid share pages") {
        constexpr std::uint32_t kSide = 24;
        base::Random random(2);
        const auto cell = base::random_permutation(kSide * kSide, random);
        std::vector<Points::Point> places;
        for (const std::uint32_t c : cell)
            places.push_back({static_cast<float>(c % kSide), static_cast<float>(c / kSide)});
        const Points points(places, 8);
        const PageGeometry geometry = geometry_of(kSide * kSide, 9);
        const auto groups = groups_of(points, {}, {}, geometry);
        check_pages(groups, points.degrees(), geometry);
        std::vector<double> apart;  // mean squared distance of two vertices of a page
        std::vector<float> distances;
        for (std::uint32_t page = 0; page < groups.page_count(); ++page) {
            const auto members = groups.page(page);
            distances.resize(members.size());
            double sum = 0;
            for (const std::uint32_t vertex : members) {
                points.distances(vertex, members, distances.data());
                sum += std::accumulate(distances.begin(), distances.end(), 0.0);
            }
            apart.push_back(sum / static_cast<double>(members.size() * members.size()));
        }
        std::sort(apart.begin(), apart.end());
        CHECK(groups.page_count() == kSide * kSide / 9);
        CHECK(apart[apart.size() / 2] < 5);  // 2.7 in squares of 9, 190 by chance
    }

    TEST_CASE("co-visits override nearness when the judge says so") {
        const Line line = line_of(600, 3);
        const PageGeometry geometry = geometry_of(600, 10);
        const Sets topics = scattered_sets(600, 4);
        const CovisitGraph covisits = covisits_of(topics, 600, 4);
        const PageJudge judge = [&](auto pages) { return pages_per_set(topics, pages); };
        const auto near = groups_of(line.points, covisits, {}, geometry);
        CHECK(usual_extent(near, line.position) < 12);
        CHECK(judge(pages_of(near)) > 8);
        const auto groups = groups_of(line.points, covisits, judge, geometry);
        check_pages(groups, line.points.degrees(), geometry);
        CHECK(judge(pages_of(groups)) < 1.5);
    }

    TEST_CASE("co-visits that do not help the judging queries do not count") {
        const Line line = line_of(600, 5);
        const PageGeometry geometry = geometry_of(600, 10);
        const CovisitGraph covisits = covisits_of(scattered_sets(600, 6), 600, 4);
        const Sets near = near_sets(line.position);
        const PageJudge judge = [&](auto pages) { return pages_per_set(near, pages); };
        const auto groups = groups_of(line.points, covisits, judge, geometry);
        check_pages(groups, line.points.degrees(), geometry);
        CHECK(usual_extent(groups, line.position) < 12);
        CHECK(judge(pages_of(groups)) < 2.5);
    }

    TEST_CASE("no weight and no swap that the judge has seen is better than what is chosen") {
        for (std::uint64_t seed = 0; seed < 12; ++seed) {
            CAPTURE(seed);
            const Line line = line_of(300, seed);
            const PageGeometry geometry = geometry_of(300, 7);
            Sets trained = scattered_sets(300, 10 + seed);
            const Sets near = near_sets(line.position);
            if (seed % 2 == 0) trained.insert(trained.end(), near.begin(), near.end());
            Sets judging = scattered_sets(300, (seed % 3 == 0 ? 10 : 50) + seed);
            judging.insert(judging.end(), near.begin(), near.end());
            const CovisitGraph covisits = covisits_of(trained, 300, 0.7F);
            std::vector<double> figures;
            const PageJudge judge = [&](auto pages) {
                figures.push_back(pages_per_set(judging, pages));
                return figures.back();
            };
            const auto groups = groups_of(line.points, covisits, judge, geometry);
            check_pages(groups, line.points.degrees(), geometry);
            CHECK(figures.size() >= 3);
            CHECK(pages_per_set(judging, pages_of(groups)) ==
                  *std::min_element(figures.begin(), figures.end()));
        }
    }

    TEST_CASE("swaps are undone when the judge does not like them") {
        const Line line = line_of(400, 8);
        const PageGeometry geometry = geometry_of(400, 10);
        const auto plain = groups_of(line.points, {}, {}, geometry);
        double figure = 0;
        const PageJudge worse_each_time = [&](auto) { return ++figure; };
        const auto judged = groups_of(line.points, {}, worse_each_time, geometry);
        CHECK(figure == 2);  // the fill, one pass
        CHECK(judged.order == plain.order);
        CHECK(judged.first == plain.first);
    }

    TEST_CASE("a pass of swaps raises the affinity inside pages") {
        const Line line = line_of(500, 9);
        const PageGeometry geometry = geometry_of(500, 10);
        const CovisitGraph covisits = covisits_of(scattered_sets(500, 10), 500, 0.2F);
        const PageJudge none;
        const base::Arena arena(2);
        const PageOrderInput input{.vertices = line.points,
                                   .degrees = line.points.degrees(),
                                   .covisits = covisits,
                                   .judge = none};
        for (const float weight : {0.0F, 1.0F}) {
            CAPTURE(weight);
            Affinity affinity(input);
            affinity.set_weight(weight);
            PageGroups groups = cut_pages(insertion_order(500), line.points.degrees(), geometry);
            const double first = affinity_inside(affinity, groups);
            double before = first;
            for (int pass = 0; pass < 8; ++pass) {
                groups = AffinitySwaps(affinity, input, geometry, groups).run(arena);
                check_pages(groups, line.points.degrees(), geometry);
                const double now = affinity_inside(affinity, groups);
                CHECK(now >= before - 1e-3);
                before = now;
            }
            CHECK(before > 1.5 * first);
        }
    }

    TEST_CASE("the pages do not depend on the number of threads") {
        const Line line = line_of(1500, 11);
        const PageGeometry geometry = geometry_of(1500, 10);
        Sets trained = scattered_sets(1500, 12);
        const Sets near = near_sets(line.position);
        trained.insert(trained.end(), near.begin(), near.end());
        const CovisitGraph covisits = covisits_of(trained, 1500, 0.5F);
        const PageJudge judge = [&](auto pages) { return pages_per_set(near, pages); };
        const auto one = groups_of(line.points, covisits, judge, geometry, 1);
        for (const std::uint32_t threads : {2U, 4U}) {
            CAPTURE(threads);
            const auto more = groups_of(line.points, covisits, judge, geometry, threads);
            CHECK(more.order == one.order);
            CHECK(more.first == one.first);
        }
    }

    TEST_CASE("pages are never overfull, whatever the degrees") {
        base::Random random(13);
        std::vector<Points::Point> places;
        for (int i = 0; i < 500; ++i)
            places.push_back({static_cast<float>(random.uniform() * 20),
                              static_cast<float>(random.uniform() * 20)});
        Points points(places, 64);
        std::vector<std::uint32_t> degrees;
        for (int i = 0; i < 500; ++i)
            degrees.push_back(static_cast<std::uint32_t>(random.below(3) == 0 ? random.below(65)
                                                                              : random.below(4)));
        points.cut_lists(degrees);
        const CovisitGraph covisits = covisits_of(scattered_sets(500, 14), 500, 1);
        const Sets judging = scattered_sets(500, 15);
        for (const std::uint32_t vector_bytes : {4U, 200U, 1200U, 3900U}) {
            CAPTURE(vector_bytes);
            PageGeometry geometry = geometry_of(500, 200);
            geometry.vector_bytes = vector_bytes;
            const PageJudge judge = [&](auto pages) { return pages_per_set(judging, pages); };
            check_pages(groups_of(points, covisits, judge, geometry), degrees, geometry);
            check_pages(groups_of(points, {}, {}, geometry), degrees, geometry);
        }
    }
}
