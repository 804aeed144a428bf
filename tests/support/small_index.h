// One small index that tests of searches share.
#pragma once

#include "support/built_index.h"

#include <cstdint>

namespace trackway::test {

constexpr std::uint32_t kSmallVectors = 2000;
constexpr std::uint32_t kSmallDimension = 16;

// 2,000 vectors of 16 float32, squared L2, with a workload large enough to be calibrated. Built by
// the first test that asks.
inline const BuiltIndex& small_index() {
    static BuiltIndex index;
    if (index.report.vectors == 0) {
        build_into(index, random_vectors(kSmallVectors, kSmallDimension, ElementType::kFloat32, 1),
                   [&](BuildOptions&) { write_workload(index, 250); });
    }
    return index;
}

inline Vectors small_queries(std::uint64_t count) {
    return random_vectors(count, kSmallDimension, ElementType::kFloat32, 2);
}

}  // namespace trackway::test
