// Families of synthetic vectors: how one row is drawn, of the data's own distribution or of that of
// queries from outside.
#pragma once

#include "base/random.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace trackway::tools {

enum class FamilyKind : std::uint8_t { kClustered, kCrossModal };

constexpr double kDefaultModalityGap = 1;

struct FamilyOptions {
    FamilyKind kind = FamilyKind::kClustered;
    std::uint32_t dimension = 128;
    std::uint32_t clusters = 100;
    std::uint32_t intrinsic_dimension = 16;
    double topic_spread = 1.0;  // of the clusters' centres, in units of their radius
    double modality_gap = kDefaultModalityGap;  // cross-modal alone; 0: queries are like the data
    std::uint64_t seed = 1;
};

class Family {
public:
    virtual ~Family() = default;
    // One row around a topic. REQUIRES: topic < clusters, out.size() == dimension.
    virtual void draw(base::Random& random, std::size_t topic, bool outside,
                      std::span<float> out) const = 0;
};

std::unique_ptr<Family> make_family(const FamilyOptions& options);

}  // namespace trackway::tools
