// Checks the options of a build against the vectors and works out what they leave open.
#pragma once

#include "trackway/builder.h"
#include "trackway/options.h"
#include "trackway/result.h"
#include "trackway/vector_file.h"

#include "layouts/page_packing.h"

#include <cstdint>
#include <optional>
#include <string>

namespace trackway::builder {

// Program, buffers, threads.
constexpr std::uint64_t kFixedBytes = std::uint64_t{48} << 20U;

struct Plan {
    layouts::RecordShape record_shape;
    std::uint32_t code_bytes = 0;
    std::uint32_t threads = 0;
    std::uint64_t memory_budget_bytes = 0;
    std::uint64_t expected_peak_bytes = 0;   // resident, of the whole build
    std::uint64_t resident_limit_bytes = 0;  // above it, mapped files are given back
    bool separate = false;                   // an index of each shard
    std::uint32_t page_size_bytes = 0;       // of the index; 0: chosen when it is laid out
    std::uint32_t shards = 1;
    double replica_factor = 1;
    std::optional<double> workload_weight = {};
    std::uint64_t sample_rows = 1;    // that the partition is trained on
    std::uint64_t training_rows = 1;  // that codes are trained on
    // Room for what calibration keeps resident; UINT64_MAX where there is enough for all of it.
    std::uint64_t calibration_bytes = UINT64_MAX;
    std::string text;  // what was chosen and why, in one line

    // What the partition depends on; and all that the bytes of the index depend on.
    std::string partition_recipe() const;
    std::string recipe() const;
};

// kInvalidArgument names the option, what it may be and what it was; kOutOfMemory when the build
// would need more than the budget with any number of shards, with the smallest that would do.
Result<Plan> make_plan(const BuildOptions& options, const VectorFile& vectors,
                       std::uint32_t threads);

// kInvalidArgument where there is no such part of such a build.
Status check_part(const BuildOptions& options, const BuildPart& part);

}  // namespace trackway::builder
