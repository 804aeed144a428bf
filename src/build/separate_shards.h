// Separate shards, each an index of its own, and the router that knows which of them to ask.
#pragma once

#include "trackway/builder.h"
#include "trackway/options.h"
#include "trackway/result.h"

#include "build/index_folder.h"
#include "build/kept_stages.h"
#include "build/partition_stage.h"
#include "build/plan.h"
#include "build/stage_runner.h"
#include "build/work_folder.h"
#include "build/workload.h"
#include "layouts/shard_set.h"

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace trackway::builder {

struct SeparateTask {
    const BuildOptions& options;
    const Plan& plan;
    const PartitionedVectors& parts;
    StageKey partition_key;
    // Builds the index of some rows.
    std::function<Result<BuildReport>(const BuildOptions&, const VectorRows&, const BuildProgress&)>
        build;
};

class SeparateShards {
public:
    SeparateShards(SeparateTask task, KeptStages& kept, StageRunner& runner)
        : task_(std::move(task)), kept_(kept), runner_(runner), built_(task_.plan.shards) {}

    Status make_router(const Workload& workload);
    // One that another run has made; kInvalidArgument where there is none.
    Status take_router();
    // The index of one shard, in the folder of stages; its report goes into the runner's. REQUIRES:
    // the router is made.
    Status build(std::uint32_t shard);
    // Gives router and shards their place in the folder, then the manifest. REQUIRES: all is made.
    Status publish(IndexFolder& folder, const layouts::Uuid& uuid);

private:
    StageKey router_key() const;
    Result<StageOutput> build_members(std::uint32_t shard);
    void add_stages(std::uint32_t shard, BuildReport report);
    Status add_report(std::uint32_t shard, const StageOutput& output);

    SeparateTask task_;
    KeptStages& kept_;
    StageRunner& runner_;
    StageOutput router_;
    std::vector<StageOutput> built_;  // of each shard
};

}  // namespace trackway::builder
