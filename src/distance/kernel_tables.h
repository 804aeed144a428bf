// Where dispatch.cpp finds the tables that the other two files define.
#pragma once

#include "distance/distance.h"

#include <cstdint>
#include <vector>

namespace trackway::distance {

// Below this cosine distance 1 - product, in float, has fewer than five digits left.
constexpr float kNearCosine = 0.01F;
// Half the squared difference of two rows scaled to length 1, in double: the cosine distance, with
// all its digits however near they are. REQUIRES: neither is zero. For the element types of rows.
template <class T>
float near_cosine(const T* a, const T* b, std::uint32_t dimension) noexcept;

KernelTable scalar_kernels();
// One table for each Highway target that was compiled and that this CPU runs, best first.
std::vector<KernelTable> simd_kernels();

}  // namespace trackway::distance
