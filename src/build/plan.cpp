#include "build/plan.h"

#include "base/errors.h"
#include "base/machine.h"
#include "base/resident_memory.h"
#include "build/codes_stage.h"
#include "build/covisits.h"
#include "build/graph_layout.h"
#include "build/partition_stage.h"
#include "build/workload.h"
#include "graph/product_edges.h"
#include "graph/vamana.h"
#include "shard/partition.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

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
    TRACKWAY_TRY(check_range("build list", options.graph.build_list_size, 1, 1U << 16U));
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
                         " vectors, found ", vectors.row_count()));
    }
    if (options.shards.graphs != ShardGraphs::kSeparate) return {};
    if (options.layout.encoding != VectorEncoding::kAsGiven) {
        return fail(ErrorCode::kUnsupported,
                    join("vector encoding: expected as-given for separate shards, found ",
                         name_of(options.layout.encoding)));
    }
    if (options.layout.probe_disk) {
        return fail(ErrorCode::kUnsupported,
                    "probe of the disk: expected none for separate shards, whose pages have one "
                    "size; give a page size");
    }
    return {};
}

bool is_encoded(const BuildOptions& options) {
    return options.layout.encoding != VectorEncoding::kAsGiven;
}

// What one number of shards makes of a build.
class Costs {
public:
    Costs(const BuildOptions& options, const VectorFile& vectors, const Plan& plan)
        : options_(options),
          plan_(plan),
          rows_(vectors.row_count()),
          dimension_(vectors.dimension()),
          given_bytes_(vectors.row_bytes()),
          lift_bytes_(options.metric == Metric::kInnerProduct ? kLiftBytes : 0) {}

    // Resident at once, at most, mapped files left aside.
    std::uint64_t peak(std::uint32_t shards, std::uint64_t training_rows) const {
        if (plan_.separate) {
            return base() + std::max(partition(shards) + router(),
                                     members(shards) * sizeof(std::uint32_t) +
                                         of_rows(members(shards)).own_stages(1, training_rows));
        }
        return base() + std::max(partition(shards), own_stages(shards, training_rows));
    }
    // Beside what calibration keeps resident.
    std::uint64_t calibration_base() const { return base() + layout(); }
    std::uint64_t calibration() const {
        return rows_ *
               calibration_bytes_each(options_.graph.max_degree, plan_.record_shape.vector_bytes);
    }

private:
    static constexpr std::uint64_t kLiftBytes = 16;
    // The plan must not depend on the number of threads: the bytes of the index do not.
    static constexpr std::uint32_t kThreadsPlanned = 16;
    // What queries gain by replicas: some five shards for each of their neighbours.
    static constexpr std::uint64_t kDemandBytes = std::uint64_t{40} << 20U;
    static constexpr std::uint64_t kBlockBytes = std::uint64_t{12} << 20U;

    std::uint64_t base() const {
        return kFixedBytes +
               Workload::bytes_max(given_bytes_ +
                                   (is_encoded(options_) ? plan_.record_shape.vector_bytes : 0));
    }
    std::uint64_t partition(std::uint32_t shards) const {
        const std::uint64_t sample =
            shards == 1 ? 0 : plan_.sample_rows * (given_bytes_ + std::uint64_t{dimension_} * 4);
        const std::uint64_t cells =
            std::min<std::uint64_t>(std::uint64_t{shards} * 64, 4096) * dimension_ * 12;
        const std::uint64_t queries =
            shards == 1 ? 0 : 12'288 * given_bytes_ + std::uint64_t{32'768} * shards;
        const std::uint64_t demand = plan_.separate && shards > 1 ? kDemandBytes : 0;
        return sample + cells + queries + demand +
               partition_bytes(rows_, plan_.replica_factor, demand > 0) + kBlockBytes;
    }
    // Of the build of a separate shard: its vectors alone.
    Costs of_rows(std::uint64_t rows) const {
        Costs costs = *this;
        costs.rows_ = rows;
        return costs;
    }
    std::uint64_t own_stages(std::uint32_t shards, std::uint64_t training_rows) const {
        return std::max({graph(shards), merge(shards), codes(training_rows), order(shards)});
    }
    std::uint64_t members(std::uint32_t shards) const {
        return shards == 1 ? rows_
                           : shard::Assigner::members_max(rows_, shards, plan_.replica_factor);
    }
    // Sample, queries and regions.
    std::uint64_t router() const {
        return plan_.sample_rows * given_bytes_ +
               Workload::bytes_max(given_bytes_ + std::uint64_t{dimension_} * 4);
    }
    std::uint64_t graph(std::uint32_t shards) const {
        const graph::VamanaOptions options{.max_degree = options_.graph.max_degree,
                                           .build_list_size = options_.graph.build_list_size};
        return members(shards) * (plan_.record_shape.vector_bytes + lift_bytes_) +
               graph::vamana_bytes(members(shards), options, kThreadsPlanned);
    }
    // With several shards the lists of one, as they are chosen again, and rows beside them.
    std::uint64_t merge(std::uint32_t shards) const {
        const std::uint64_t list_bytes = (std::uint64_t{options_.graph.max_degree} + 1) * 4 + 16;
        const std::uint64_t again =
            shards == 1 ? 0 : shard::Assigner::home_max(rows_, shards) * list_bytes;
        const std::uint64_t by_product =
            options_.metric == Metric::kInnerProduct ? graph::product_edge_bytes(rows_, {}) : 0;
        return rows_ * (16 + lift_bytes_) + kBlockBytes + again + by_product;
    }
    std::uint64_t codes(std::uint64_t training_rows) const {
        return codes_stage_bytes(
            rows_, training_rows,
            {dimension_, plan_.code_bytes, may_use_opq(options_.code_type, dimension_)});
    }
    std::uint64_t layout() const {
        return rows_ * (kLayoutBytesEach + plan_.code_bytes * 5 / 4) + covisit_pair_bytes();
    }
    std::uint64_t order(std::uint32_t shards) const {
        const std::uint64_t own = shards == 1 ? rows_ : shard::Assigner::home_max(rows_, shards);
        return layout() +
               own * (order_bytes_each(options_.graph.max_degree, shards > 1) + lift_bytes_);
    }

    const BuildOptions& options_;
    const Plan& plan_;
    std::uint64_t rows_;
    std::uint32_t dimension_;
    std::uint64_t given_bytes_;
    std::uint64_t lift_bytes_;
};

constexpr std::uint64_t kTrainingLeast = 4096;
constexpr std::uint64_t kSampleRows = 1U << 16U;
constexpr std::uint64_t kRowsPerShard = 1000;
constexpr double kMergedFactor = 1.8;
constexpr double kSeparateFactor = 1.3;

std::uint32_t shards_most(std::uint64_t rows) {
    return static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(rows / kRowsPerShard, 1, kMaxShards));
}

Status check_shards(const ShardOptions& shards, std::uint64_t rows) {
    if (shards.count > shards_most(rows)) {
        return fail(ErrorCode::kInvalidArgument,
                    join("shards: expected 0 to ", shards_most(rows), " for ", rows, " vectors, ",
                         kRowsPerShard, " or more each, found ", shards.count));
    }
    if (shards.workload_weight &&
        !(*shards.workload_weight >= 0 && *shards.workload_weight <= 1e6)) {
        return fail(
            ErrorCode::kInvalidArgument,
            join("workload weight: expected 0 to 1000000, found ", *shards.workload_weight));
    }
    const double factor = shards.replica_factor.value_or(1);
    if (!(factor >= 1 && factor <= 4)) {
        return fail(ErrorCode::kInvalidArgument,
                    join("replica factor: expected 1 to 4, found ", factor));
    }
    return {};
}

std::string mebibytes(std::uint64_t bytes) {
    constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
    return join((bytes + kMiB - 1) / kMiB, " MiB");
}

// The fewest shards that the budget holds, and the largest sample for codes that it holds then.
Status choose_shards(const ShardOptions& options, std::uint64_t rows, const Costs& costs,
                     Plan& plan) {
    const std::uint32_t first = std::max(options.count, 1U);
    const std::uint32_t last = options.count != 0 ? options.count : shards_most(rows);
    std::uint64_t least = UINT64_MAX;
    for (std::uint32_t shards = first; shards <= last; ++shards) {
        for (std::uint64_t training = kTrainingRows; training >= kTrainingLeast; training /= 2) {
            const std::uint64_t peak = costs.peak(shards, training);
            least = std::min(least, peak);
            if (peak > plan.memory_budget_bytes) continue;
            plan.shards = shards;
            plan.training_rows = training;
            plan.expected_peak_bytes = peak;
            return base::check_memory("memory budget", peak);
        }
    }
    const std::string parts =
        options.count != 0 ? join(" in ", options.count, " shards") : std::string();
    return fail(ErrorCode::kOutOfMemory,
                join("memory budget: building ", rows, " vectors", parts, " needs ", least,
                     " bytes, found ", plan.memory_budget_bytes));
}

// Of separate shards each shard's own plan sees to it.
void plan_calibration(const Costs& costs, Plan& plan) {
    const std::uint64_t base = costs.calibration_base();
    if (base + costs.calibration() > plan.memory_budget_bytes) {
        plan.calibration_bytes =
            plan.memory_budget_bytes > base ? plan.memory_budget_bytes - base : 0;
    } else {
        plan.expected_peak_bytes = std::max(plan.expected_peak_bytes, base + costs.calibration());
    }
}

void describe(const Costs& costs, std::uint64_t rows, Plan& plan) {
    plan.text =
        plan.shards == 1
            ? join("one shard: ", mebibytes(plan.expected_peak_bytes),
                   " of memory expected, budget ", mebibytes(plan.memory_budget_bytes))
            : join(plan.shards, plan.separate ? " separate" : "", " shards of at most ",
                   shard::Assigner::home_max(rows, plan.shards), " vectors, built with up to ",
                   plan.replica_factor, " times as many: one shard would need ",
                   mebibytes(costs.peak(1, plan.training_rows)), ", this ",
                   mebibytes(plan.expected_peak_bytes), ", budget ",
                   mebibytes(plan.memory_budget_bytes));
    if (plan.training_rows < std::min(rows, kTrainingRows))
        plan.text += join("; codes trained on ", plan.training_rows, " vectors");
    if (plan.calibration_bytes != UINT64_MAX)
        plan.text += join("; calibrated with ", mebibytes(plan.calibration_bytes), " resident");
}

}  // namespace

std::string Plan::partition_recipe() const {
    const auto exact = [](double value) { return base::hex(std::bit_cast<std::uint64_t>(value)); };
    std::string recipe = join(shards, separate ? " separate" : "", " shards ",
                              exact(replica_factor), " ", sample_rows);
    if (workload_weight) recipe += join(" weight ", exact(*workload_weight));
    return recipe;
}

std::string Plan::recipe() const {
    const std::string of_all = join(partition_recipe(), " ", training_rows, " ", calibration_bytes);
    return separate ? join(of_all, " budget ", memory_budget_bytes) : of_all;
}

Result<Plan> make_plan(const BuildOptions& options, const VectorFile& vectors,
                       std::uint32_t threads) {
    TRACKWAY_TRY(check_options(options, vectors));
    TRACKWAY_TRY(check_shards(options.shards, vectors.row_count()));
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
    // Separate shards are read with buffers of one size, so it cannot be left to each.
    plan.page_size_bytes = options.layout.page_size_bytes;
    if (plan.page_size_bytes == 0 && options.shards.graphs == ShardGraphs::kSeparate) {
        TRACKWAY_TRY_ASSIGN(smallest, layouts::smallest_page_size(plan.record_shape));
        plan.page_size_bytes = smallest;
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
                                   : base::usable_memory_bytes() / 5 * 4;
    plan.separate = options.shards.graphs == ShardGraphs::kSeparate;
    plan.replica_factor = options.shards.count == 1
                              ? 1
                              : options.shards.replica_factor.value_or(
                                    plan.separate ? kSeparateFactor : kMergedFactor);
    plan.sample_rows = std::min(vectors.row_count(), kSampleRows);
    plan.workload_weight = options.shards.workload_weight;
    const Costs costs(options, vectors, plan);
    TRACKWAY_TRY(choose_shards(options.shards, vectors.row_count(), costs, plan));
    if (plan.shards == 1) {
        plan.replica_factor = 1;
        plan.sample_rows = 1;
        plan.workload_weight = {};
    }
    if (!plan.separate) plan_calibration(costs, plan);
    plan.resident_limit_bytes = plan.memory_budget_bytes - plan.memory_budget_bytes / 32;
    describe(costs, vectors.row_count(), plan);
    return plan;
}

Status check_part(const BuildOptions& options, const BuildPart& part) {
    if (std::find(kBuildStages.begin(), kBuildStages.end(), part.stage) == kBuildStages.end()) {
        return fail(ErrorCode::kInvalidArgument,
                    join("stage: expected partition, graph, merge, codes, trace, order or finish, "
                         "found ",
                         part.stage));
    }
    if (part.shard && part.stage != "graph") {
        return fail(ErrorCode::kInvalidArgument,
                    join("shard: expected with stage graph only, found with ", part.stage));
    }
    const bool is_whole_shard =
        part.stage == "partition" || part.stage == "graph" || part.stage == "finish";
    if (options.shards.graphs == ShardGraphs::kSeparate && !is_whole_shard) {
        return fail(ErrorCode::kInvalidArgument,
                    join("stage: expected partition, graph or finish for separate shards, found ",
                         part.stage));
    }
    return {};
}

}  // namespace trackway::builder
