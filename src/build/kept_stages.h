// Runs a stage, or takes what it left when it ran before.
#pragma once

#include "trackway/builder.h"
#include "trackway/result.h"

#include "base/errors.h"
#include "build/work_folder.h"

#include <filesystem>
#include <string>
#include <utility>

namespace trackway::builder {

// A part of a build was asked for before what it needs.
inline Status fail_before_partition(const std::filesystem::path& index_dir) {
    return base::fail(
        ErrorCode::kInvalidArgument,
        base::join(index_dir.string(),
                   ": stage graph of one shard: expected stage partition to be finished"));
}

class KeptStages {
public:
    // The report is told of stages that need not run.
    KeptStages(WorkFolder work, BuildReport& report) : work_(std::move(work)), report_(report) {}

    const WorkFolder& work() const noexcept { return work_; }

    // make() -> Result<StageOutput>; its files are in work().
    template <class Make>
    Result<StageOutput> made(const std::string& stage, const StageKey& key, const Make& make) {
        StageOutput output;
        TRACKWAY_TRY_ASSIGN(found, work_.find(stage, key, output));
        if (found) {
            report_.stages_resumed.push_back(stage);
            return output;
        }
        Result<StageOutput> result = make();
        if (result) {
            TRACKWAY_TRY(work_.finish(stage, key, *result));
            any_finished_ = true;
        }
        return result;
    }

    // By this run.
    bool any_finished() const noexcept { return any_finished_; }

private:
    WorkFolder work_;
    BuildReport& report_;
    bool any_finished_ = false;
};

}  // namespace trackway::builder
