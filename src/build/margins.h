// Stop margins that calibration tries, and which of them are of use.
#pragma once

#include "build/trial_search.h"
#include "layouts/manifest.h"

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace trackway::builder {

inline constexpr float kMargins[] = {
    -12.0F, -8.0F, -5.5F, -4.0F, -3.0F, -2.5F, -2.0F, -1.5F, -1.0F, -0.75F, -0.5F,  -0.25F, 0.0F,
    0.25F,  0.5F,  0.75F, 1.0F,  1.25F, 1.5F,  1.75F, 2.0F,  2.5F,  3.0F,   3.5F,   4.0F,   5.0F,
    6.0F,   8.0F,  11.0F, 15.0F, 20.0F, 28.0F, 40.0F, 60.0F, 90.0F, 140.0F, 220.0F, 350.0F};
// Less than this nobody asks for; more than this takes no margin.
constexpr double kRecallLeast = 0.85;
constexpr double kRecallMost = 0.997;

// Of margins, ascending, and what was found with each: the last below the least that is asked for,
// and the first above the most.
std::pair<std::size_t, std::size_t> useful_range(std::span<const TrialOutcome> found);

// All of them, then none.
std::vector<float> all_margins();

}  // namespace trackway::builder
