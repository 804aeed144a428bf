#include "build/navigation_stage.h"

#include "base/aligned_buffer.h"
#include "base/random.h"
#include "graph/product_edges.h"
#include "graph/reachability.h"
#include "graph/vamana.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

namespace trackway::builder {
namespace {

constexpr std::uint64_t kShare = 100;
constexpr std::uint32_t kBuildList = 64;
constexpr double kEvenPart = 0.5;  // of the mean strength, that every vertex has

// Draws without repeats by exponential keys (Efraimidis and Spirakis, 2006), in rising order.
std::vector<std::uint32_t> draw_sample(std::uint64_t count, std::span<const float> strength,
                                       std::uint64_t seed) {
    base::Random random(seed);
    const std::uint64_t size = (count + kShare - 1) / kShare;
    double mean = 0;
    for (const float value : strength)
        mean += double{value} / static_cast<double>(count);
    std::vector<double> keys(count);
    for (std::uint64_t i = 0; i < count; ++i) {
        const double weight = mean > 0 ? double{strength[i]} + kEvenPart * mean : 1;
        keys[i] = -std::log(1 - random.uniform()) / weight;
    }
    std::vector<std::uint32_t> sample(count);
    std::iota(sample.begin(), sample.end(), 0U);
    const auto sooner = [&](std::uint32_t a, std::uint32_t b) {
        return keys[a] < keys[b] || (keys[a] == keys[b] && a < b);
    };
    std::nth_element(sample.begin(), sample.begin() + static_cast<std::ptrdiff_t>(size - 1),
                     sample.end(), sooner);
    sample.resize(size);
    std::sort(sample.begin(), sample.end());
    return sample;
}

std::uint32_t longest(const graph::PointSet& points, const base::Arena& arena) {
    const std::vector<float> lengths = points.lengths(arena);
    return static_cast<std::uint32_t>(std::max_element(lengths.begin(), lengths.end()) -
                                      lengths.begin());
}

// Puts the longest of all rows in place of as many of the sample.
void take_longest(const MatrixView& vectors, const base::Arena& arena,
                  std::vector<std::uint32_t>& sample) {
    const graph::PointSet points(vectors, Metric::kInnerProduct, arena);
    if (!graph::needs_product_edges(points, arena)) return;
    const std::vector<float> lengths = points.lengths(arena);
    std::vector<std::uint32_t> rows(vectors.row_count);
    std::iota(rows.begin(), rows.end(), 0U);
    const std::size_t count = (sample.size() + 1) / 2;
    std::partial_sort(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(count), rows.end(),
                      [&](std::uint32_t a, std::uint32_t b) {
                          return lengths[a] > lengths[b] || (lengths[a] == lengths[b] && a < b);
                      });
    rows.resize(count);
    for (std::size_t i = 0; rows.size() < sample.size(); ++i) {
        const std::uint32_t row =
            sample[i * sample.size() / (sample.size() - count) % sample.size()];
        if (std::find(rows.begin(), rows.end(), row) == rows.end()) rows.push_back(row);
        if (i > 2 * sample.size()) break;
    }
    std::sort(rows.begin(), rows.end());
    sample = std::move(rows);
}

}  // namespace

NavigationRows build_navigation(const MatrixView& vectors, Metric metric,
                                std::span<const float> strength, std::uint64_t seed,
                                const base::Arena& arena) {
    std::vector<std::uint32_t> sample = draw_sample(vectors.row_count, strength, seed);
    if (metric == Metric::kInnerProduct) take_longest(vectors, arena, sample);
    base::AlignedBuffer bytes(sample.size() * vectors.row_bytes());
    for (std::size_t i = 0; i < sample.size(); ++i) {
        std::memcpy(bytes.data() + i * vectors.row_bytes(), vectors.row(sample[i]),
                    vectors.row_bytes());
    }
    const graph::PointSet points(
        {bytes.data(), vectors.element_type, sample.size(), vectors.dimension}, metric, arena);
    graph::VamanaGraph graph = *graph::build_vamana(  // fails where it keeps something
        points, {.max_degree = kNavigationDegree, .build_list_size = kBuildList, .seed = seed},
        arena);
    if (graph::needs_product_edges(points, arena)) {
        graph::add_product_edges(points, {}, arena, graph.adjacency);
        graph.entry_point = longest(points, arena);
        graph::connect_all(points, graph.entry_point, kBuildList, graph.adjacency);
    }
    if (arena.stopped()) return {};
    // Row 0 is the entry point: it changes places with what stands there.
    const auto row_of = [&](std::uint32_t point) {
        if (point == graph.entry_point) return 0U;
        return point == 0 ? graph.entry_point : point;
    };
    constexpr std::size_t kStride = kNavigationDegree + 2;
    NavigationRows rows(sample.size() * kStride, 0);
    for (std::uint32_t point = 0; point < sample.size(); ++point) {
        std::uint32_t* row = rows.data() + row_of(point) * kStride;
        const auto neighbors = graph.adjacency.neighbors(point);
        *row++ = sample[point];
        *row++ = static_cast<std::uint32_t>(neighbors.size());
        for (const std::uint32_t neighbor : neighbors)
            *row++ = row_of(neighbor);
    }
    return rows;
}

NavigationRows navigation_places(NavigationRows rows, std::span<const LocalId> place) {
    for (std::size_t at = 0; at < rows.size(); at += kNavigationDegree + 2)
        rows[at] = static_cast<std::uint32_t>(place[rows[at]]);
    return rows;
}

}  // namespace trackway::builder
