#include "layouts/affinity.h"

#include <algorithm>

namespace trackway::layouts {

Affinity::Affinity(const PageOrderInput& input) : input_(input) {
    find_incoming();
    measure_scale();
}

void Affinity::find_incoming() {
    const std::uint32_t count = input_.vertices.vertex_count();
    std::vector<std::uint32_t> incoming(count, 0);
    for (std::uint32_t v = 0; v < count; ++v) {
        for (const std::uint32_t neighbor : input_.vertices.neighbors(v))
            ++incoming[neighbor];
    }
    first_.assign(std::size_t{count} + 1, 0);
    strength_.resize(count);
    const std::vector<float>& visits = input_.covisits.strength;
    for (std::uint32_t v = 0; v < count; ++v) {
        first_[v + 1] = first_[v] + incoming[v];
        strength_[v] = static_cast<float>(incoming[v]) + (visits.empty() ? 0 : visits[v]);
    }
    incoming_.resize(first_.back());
    std::vector<std::uint64_t> next(first_.begin(), first_.end() - 1);
    for (std::uint32_t v = 0; v < count; ++v) {
        for (const std::uint32_t neighbor : input_.vertices.neighbors(v))
            incoming_[next[neighbor]++] = v;
    }
}

// Half the mean distance to the 8 nearest neighbours, over a sample of the vertices.
void Affinity::measure_scale() {
    constexpr std::size_t kNear = 8;
    constexpr std::uint32_t kSample = 4096;
    const std::uint32_t count = input_.vertices.vertex_count();
    const std::uint32_t step = std::max(count / kSample, 1U);
    double sum = 0;
    std::uint64_t measured = 0;
    std::vector<float> distances;
    for (std::uint32_t v = 0; v < count; v += step) {
        const auto neighbors = input_.vertices.neighbors(v);
        distances.resize(neighbors.size());
        input_.vertices.distances(v, neighbors, distances.data());
        std::sort(distances.begin(), distances.end());
        for (std::size_t i = 0; i < std::min(kNear, distances.size()); ++i, ++measured)
            sum += double{distances[i]};
    }
    const double mean = measured == 0 ? 0 : sum / static_cast<double>(measured);
    scale_ = mean > 0 ? static_cast<float>(2 / mean) : 1;
}

// 1 over the first terms of exp(x): no library's rounding decides the bytes of an index.
void Affinity::nearness(std::uint32_t vertex, std::span<const std::uint32_t> others,
                        float* out) const {
    input_.vertices.distances(vertex, others, out);
    for (std::size_t i = 0; i < others.size(); ++i) {
        const float x = std::max(out[i] * scale_, 0.0F);
        out[i] = 1 / (1 + x * (1 + x * (0.5F + x * (1.0F / 6))));
    }
}

}  // namespace trackway::layouts
