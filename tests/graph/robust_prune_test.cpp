#include "graph/robust_prune.h"

#include "support/random_vectors.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <vector>

using namespace trackway;
using graph::Candidate;

namespace {

std::vector<Candidate> candidates_of(const graph::PointSet& points, std::uint32_t vertex) {
    std::vector<std::uint32_t> ids(points.count());
    std::iota(ids.begin(), ids.end(), 0U);
    ids.erase(ids.begin() + vertex);
    std::vector<float> distances(ids.size());
    points.distances(vertex, ids, distances.data());
    std::vector<Candidate> candidates;
    for (std::size_t i = 0; i < ids.size(); ++i)
        candidates.push_back({distances[i], ids[i], 0});
    std::sort(candidates.begin(), candidates.end(), graph::nearer);
    return candidates;
}

// The rule as the paper states it: take the nearest, drop what it occludes, repeat.
std::vector<std::uint32_t> prune_naively(const graph::PointSet& points,
                                         std::vector<Candidate> candidates,
                                         const graph::PruneOptions& options) {
    std::vector<std::uint32_t> kept;
    while (!candidates.empty() && kept.size() < options.max_degree) {
        const Candidate nearest = candidates.front();
        kept.push_back(nearest.vertex);
        std::erase_if(candidates, [&](const Candidate& other) {
            float distance = 0;
            points.distances(nearest.vertex, {&other.vertex, 1}, &distance);
            return other.vertex == nearest.vertex || options.alpha * distance <= other.distance;
        });
    }
    return kept;
}

}  // namespace

TEST_SUITE("graph") {
    TEST_CASE("robust prune keeps what the paper's algorithm keeps") {
        const base::Arena arena(1);
        for (const ElementType type : {ElementType::kFloat32, ElementType::kUint8}) {
            const auto vectors = test::random_vectors(300, 12, type, 3);
            const graph::PointSet points(vectors.view, Metric::kL2, arena);
            graph::PruneScratch scratch;
            for (const float alpha : {1.0F, 1.2F, 2.0F}) {
                for (const std::uint32_t degree : {1U, 4U, 40U}) {
                    for (std::uint32_t vertex = 0; vertex < 300; vertex += 37) {
                        const auto candidates = candidates_of(points, vertex);
                        const graph::PruneOptions options{degree, alpha};
                        robust_prune(points, candidates, options, scratch);
                        CHECK(scratch.kept == prune_naively(points, candidates, options));
                    }
                }
            }
        }
    }

    TEST_CASE("of equal candidates one is kept") {
        const base::Arena arena(1);
        std::vector<std::byte> bytes(10 * 4, std::byte{7});
        bytes[0] = std::byte{9};
        const graph::PointSet points({bytes.data(), ElementType::kUint8, 10, 4}, Metric::kL2,
                                     arena);
        graph::PruneScratch scratch;
        robust_prune(points, candidates_of(points, 0), {8, 1.2F}, scratch);
        CHECK(scratch.kept == std::vector<std::uint32_t>{1});
    }
}
