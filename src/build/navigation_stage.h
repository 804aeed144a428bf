// Builds the navigation graph over a sample of the vertices.
#pragma once

#include "trackway/types.h"

#include "base/arena.h"
#include "layouts/page_packing.h"

#include <cstdint>
#include <span>
#include <vector>

namespace trackway::builder {

constexpr std::uint32_t kNavigationDegree = 32;

// Rows as beam::NavigationView has them, with vertices where it has places.
using NavigationRows = std::vector<std::uint32_t>;

// One vertex in 100, drawn with a chance that grows with its strength where strengths are given.
// Unfinished when arena.stopped().
NavigationRows build_navigation(const MatrixView& vectors, Metric metric,
                                std::span<const float> strength, std::uint64_t seed,
                                const base::Arena& arena);

NavigationRows navigation_places(NavigationRows rows, std::span<const LocalId> place);

}  // namespace trackway::builder
