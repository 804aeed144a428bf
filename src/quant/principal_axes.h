// The principal axes of a sample. The only user of Eigen.
#pragma once

#include "quant/product_quantizer.h"

#include <span>
#include <vector>

namespace trackway::quant {

// Row i is the unit vector of rotated dimension i. The axes are shared out from the one of largest
// variance on, each to the subspace with room whose variances have the smallest product so far.
// REQUIRES: at least one row.
std::vector<float> balanced_principal_axes(std::span<const float> sample,
                                           const Subspaces& subspaces);

}  // namespace trackway::quant
