// The cheapest setting of a search that reaches a recall, by what the builder has measured.
#pragma once

#include "trackway/index.h"
#include "trackway/result.h"

#include "search/opened_graph.h"

#include <cstdint>

namespace trackway::search {

constexpr std::uint32_t kCalibratedNeighbors = 10;
constexpr const char* kNotCalibrated =
    "expected an index that was calibrated when it was built, with 200 queries or more, found "
    "none: build it anew or relayout it with a workload, or give a search list";

// hot_share: ResidencePlan. Where nothing was measured but the graph is small and its vectors are
// as given, all of it is searched. REQUIRES: target above 0 and below 1.
Result<RecallSetting> recall_setting(const OpenedGraph& graph, float hot_share, double target,
                                     std::uint32_t k);

}  // namespace trackway::search
