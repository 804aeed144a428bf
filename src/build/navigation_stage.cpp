#include "build/navigation_stage.h"

#include "base/aligned_buffer.h"
#include "base/random.h"
#include "graph/vamana.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

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

}  // namespace

NavigationRows build_navigation(const MatrixView& vectors, Metric metric,
                                std::span<const float> strength, std::uint64_t seed,
                                const base::Arena& arena) {
    std::vector<std::uint32_t> sample = draw_sample(vectors.row_count, strength, seed);
    base::AlignedBuffer bytes(sample.size() * vectors.row_bytes());
    for (std::size_t i = 0; i < sample.size(); ++i) {
        std::memcpy(bytes.data() + i * vectors.row_bytes(), vectors.row(sample[i]),
                    vectors.row_bytes());
    }
    const graph::PointSet points(
        {bytes.data(), vectors.element_type, sample.size(), vectors.dimension}, metric, arena);
    const graph::VamanaGraph graph = graph::build_vamana(
        points, {.max_degree = kNavigationDegree, .build_list_size = kBuildList, .seed = seed},
        arena, [](std::uint32_t) {});
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
