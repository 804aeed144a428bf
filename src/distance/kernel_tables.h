// Where dispatch.cpp finds the tables that the other two files define.
#pragma once

#include "distance/distance.h"

#include <vector>

namespace trackway::distance {

KernelTable scalar_kernels();
// One table for each Highway target that was compiled and that this CPU runs, best first.
std::vector<KernelTable> simd_kernels();

}  // namespace trackway::distance
