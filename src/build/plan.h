// Checks the options of a build against the vectors and works out what they leave open.
#pragma once

#include "trackway/options.h"
#include "trackway/result.h"
#include "trackway/vector_file.h"

#include "layouts/page_packing.h"

#include <cstdint>

namespace trackway::builder {

// Program, buffers, threads.
constexpr std::uint64_t kFixedBytes = std::uint64_t{48} << 20U;

struct Plan {
    layouts::RecordShape record_shape;
    std::uint32_t code_bytes = 0;
    std::uint32_t threads = 0;
    std::uint64_t memory_budget_bytes = 0;
    std::uint64_t expected_peak_bytes = 0;  // resident, of the whole build
};

// kInvalidArgument names the option, what it may be and what it was; kOutOfMemory when the build
// would need more than the budget, with the smallest that would do.
Result<Plan> make_plan(const BuildOptions& options, const VectorFile& vectors,
                       std::uint32_t threads);

}  // namespace trackway::builder
