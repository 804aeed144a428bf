#include "build/plan.h"

#include "base/errors.h"
#include "base/resident_memory.h"
#include "build/codes_stage.h"
#include "build/covisits.h"
#include "build/graph_layout.h"
#include "build/workload.h"
#include "graph/vamana.h"

#include <algorithm>
#include <cmath>

namespace trackway::builder {
namespace {

using base::fail;
using base::join;

constexpr std::uint32_t kDefaultCodeBytes = 32;
constexpr std::uint64_t kVectorsMax = std::uint64_t{1} << 31U;  // places stay within 32 bits

Status check_range(const char* name, std::uint64_t value, std::uint64_t least, std::uint64_t most) {
    if (value >= least && value <= most) return {};
    return fail(ErrorCode::kInvalidArgument,
                join(name, ": expected ", least, " to ", most, ", found ", value));
}

Status check_options(const BuildOptions& options, const VectorFile& vectors) {
    TRACKWAY_TRY(check_range("max degree", options.graph.max_degree, 1, kMaxDegree));
    TRACKWAY_TRY(check_range("build list size", options.graph.build_list_size, 1, 1U << 16U));
    if (!(options.graph.alpha >= 1 && options.graph.alpha <= 10)) {
        return fail(ErrorCode::kInvalidArgument,
                    join("alpha: expected 1 to 10, found ", options.graph.alpha));
    }
    const std::uint32_t page_size = options.layout.page_size_bytes;
    if (page_size != 0 && options.layout.probe_disk) {
        return fail(ErrorCode::kInvalidArgument,
                    join("page size: expected none beside a probe of the disk, found ", page_size));
    }
    if (page_size != 0) {
        TRACKWAY_TRY(check_range("page size", page_size, kMinPageSize, kMaxPageSize));
        if ((page_size & (page_size - 1)) != 0) {
            return fail(ErrorCode::kInvalidArgument,
                        join("page size: expected a power of two, found ", page_size));
        }
    }
    if (!can_encode(options.layout.encoding, vectors.element_type())) {
        return fail(
            ErrorCode::kInvalidArgument,
            join("vector encoding: ", name_of(options.layout.encoding), ": expected ",
                 options.layout.encoding == VectorEncoding::kSq8 ? "float32 or float16" : "float32",
                 " vectors, found ", name_of(vectors.element_type())));
    }
    if (options.code_bytes > vectors.dimension()) {
        return fail(ErrorCode::kInvalidArgument,
                    join("code bytes: expected at most the dimension, ", vectors.dimension(),
                         ", found ", options.code_bytes));
    }
    if (vectors.row_count() > kVectorsMax) {
        return fail(ErrorCode::kUnsupported,
                    join(vectors.path().string(), ": expected at most ", kVectorsMax,
                         " vectors in one shard, found ", vectors.row_count()));
    }
    return {};
}

bool is_encoded(const BuildOptions& options) {
    return options.layout.encoding != VectorEncoding::kAsGiven;
}

std::uint64_t expected_peak(const BuildOptions& options, const VectorFile& vectors,
                            const Plan& plan) {
    const std::uint64_t rows = vectors.row_count();
    const graph::VamanaOptions graph{.max_degree = options.graph.max_degree,
                                     .build_list_size = options.graph.build_list_size};
    const std::uint64_t edges = rows * (std::uint64_t{options.graph.max_degree} + 1) * 4;
    const std::uint64_t codes = rows * plan.code_bytes;
    const std::uint64_t training =
        codes_stage_bytes(rows, vectors.dimension(), plan.code_bytes,
                          may_use_opq(options.code_type, vectors.dimension()));
    const std::uint64_t laying_out =
        rows * lay_out_bytes(options.graph.max_degree, plan.record_shape.vector_bytes) +
        codes * 5 / 4 + covisit_pair_bytes();
    const std::uint64_t stages = std::max(graph::vamana_bytes(rows, graph, plan.threads),
                                          edges + codes + std::max(training, laying_out));
    const std::uint64_t row_bytes =
        vectors.row_bytes() + (is_encoded(options) ? plan.record_shape.vector_bytes : 0);
    return rows * row_bytes + Workload::bytes_max(row_bytes) + stages + kFixedBytes;
}

}  // namespace

Result<Plan> make_plan(const BuildOptions& options, const VectorFile& vectors,
                       std::uint32_t threads) {
    TRACKWAY_TRY(check_options(options, vectors));
    Plan plan;
    const ElementType stored =
        stored_type(options.layout.encoding, options.metric, vectors.element_type());
    const auto row_bytes = static_cast<std::uint32_t>(vectors.row_bytes());
    plan.record_shape = {.vector_bytes = static_cast<std::uint32_t>(vectors.dimension() *
                                                                    element_size_bytes(stored)),
                         .max_degree = options.graph.max_degree,
                         .vertex_count = static_cast<std::uint32_t>(vectors.row_count()),
                         .row_count = vectors.row_count(),
                         .exact_row_bytes = is_encoded(options) ? row_bytes : 0};
    if (options.layout.page_size_bytes != 0) {
        TRACKWAY_TRY(layouts::check_page_size(plan.record_shape, options.layout.page_size_bytes));
    } else {
        TRACKWAY_TRY(layouts::smallest_page_size(plan.record_shape));
    }
    plan.threads = threads;
    plan.code_bytes = options.code_bytes != 0 ? options.code_bytes
                                              : std::min(kDefaultCodeBytes, vectors.dimension());
    if (options.code_type &&
        !quant::has_codec(*options.code_type, vectors.dimension(), plan.code_bytes)) {
        return fail(
            ErrorCode::kInvalidArgument,
            join("code bytes: ", name_of(*options.code_type), " codes of ", vectors.dimension(),
                 " dimensions: expected ",
                 *options.code_type == CodeType::kRabitq ? 8 + (vectors.dimension() + 7) / 8 : 1,
                 " or more, and no more than the dimension, found ", plan.code_bytes));
    }
    plan.memory_budget_bytes = options.memory_budget_bytes != 0
                                   ? options.memory_budget_bytes
                                   : base::physical_memory_bytes() / 5 * 4;
    plan.expected_peak_bytes = expected_peak(options, vectors, plan);
    if (plan.expected_peak_bytes > plan.memory_budget_bytes) {
        return fail(ErrorCode::kOutOfMemory,
                    join("memory budget: one shard of ", vectors.row_count(), " vectors needs ",
                         plan.expected_peak_bytes, " bytes, found ", plan.memory_budget_bytes));
    }
    return plan;
}

}  // namespace trackway::builder
