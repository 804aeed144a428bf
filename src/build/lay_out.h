// From a graph to a published index: the stages that building and reordering share.
#pragma once

#include "trackway/result.h"

#include "build/graph_layout.h"
#include "build/index_folder.h"
#include "build/kept_stages.h"
#include "build/stage_runner.h"
#include "build/workload.h"
#include "layouts/manifest.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace trackway::builder {

struct LayOutTask {
    const BuiltGraph& graph;
    LayoutChoices choices;
    std::optional<PageCosts> page_costs;  // where no page size is given: what pages cost
    // Either queries, or what real ones visited; then the manifest's calibration stays.
    const JudgingQueries* judging = nullptr;  // of the workload to trace
    Trace trace = {};
    layouts::Manifest manifest = {};  // all but what the stages find out
    bool keep_trace = false;
    // Where stages are kept, if they are; key: of all that was done before.
    KeptStages* kept = nullptr;
    std::string_view last_stage = {};  // "trace" or "order" where it ends there
    StageKey key = {};
};

// Runs navigation, trace, order, calibrate, write, verify, publish and fills in the report.
Status lay_out(LayOutTask task, IndexFolder& folder, StageRunner& runner);

}  // namespace trackway::builder
