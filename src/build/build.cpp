// Building an index: the list of stages. What a stage has made stands in working files, from which
// the next one begins, so that a build that was killed goes on where it was.
#include "trackway/builder.h"
#include "trackway/vector_file.h"

#include "base/aligned_buffer.h"
#include "base/arena.h"
#include "base/checksum.h"
#include "base/errors.h"
#include "base/resident_memory.h"
#include "build/bridges.h"
#include "build/codes_stage.h"
#include "build/graph_stage.h"
#include "build/index_folder.h"
#include "build/judging_queries.h"
#include "build/kept_stages.h"
#include "build/lay_out.h"
#include "build/page_cost.h"
#include "build/partition_stage.h"
#include "build/plan.h"
#include "build/separate_shards.h"
#include "build/stage_runner.h"
#include "build/vector_pass.h"
#include "build/working_codes.h"
#include "build/workload.h"
#include "distance/row_floats.h"
#include "io/resident_limit.h"
#include "quant/scalar_codes.h"
#include "shard/partition.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trackway {
namespace {

using base::fail;
using base::join;
using builder::IndexFolder;
using builder::StageKey;
using builder::StageOutput;

class Build {
public:
    Build(const BuildOptions& options, const BuildProgress& progress, const std::stop_token& stop,
          const builder::VectorRows& input)
        : options_(options),
          input_(input),
          vectors_(input.vectors),
          stop_(stop),
          arena_(options.thread_count, stop),
          runner_(arena_, progress, report_) {}

    // The graph of one shard, of a partition that another run has finished.
    Result<BuildReport> run_shard(std::uint32_t shard) {
        TRACKWAY_TRY_ASSIGN(plan, builder::make_plan(options_, vectors_, arena_.thread_count()));
        TRACKWAY_TRY_ASSIGN(folder, IndexFolder::join(options_.index_dir));
        plan_ = plan;
        TRACKWAY_TRY(begin(folder.begun_work()));
        TRACKWAY_TRY(take_part(shard));
        if (plan_.separate) {
            builder::SeparateShards shards(separate_task(), *kept_, runner_);
            TRACKWAY_TRY(shards.take_router());
            TRACKWAY_TRY(shards.build(shard));
        } else {
            TRACKWAY_TRY(runner_.stage(
                "graph", [&] { return build_graph(shard, 0, parts_->member_count(shard)); }));
        }
        return std::move(report_);
    }

    Result<BuildReport> run(std::string_view last_stage) {
        TRACKWAY_TRY_ASSIGN(plan, builder::make_plan(options_, vectors_, arena_.thread_count()));
        TRACKWAY_TRY_ASSIGN(folder, IndexFolder::open(options_.index_dir, options_.overwrite));
        plan_ = plan;
        last_stage_ = last_stage;
        Status status = run_stages(folder);
        // Finished stages serve the same build again; not one that has just begun and whose vectors
        // are refused.
        const bool is_refused = !status && status.error().code == ErrorCode::kInvalidArgument;
        const bool has_begun = kept_ && kept_->any_finished() && report_.stages_resumed.empty();
        if (is_refused && has_begun) folder.forget_work();
        TRACKWAY_TRY(status);
        return std::move(report_);
    }

private:
    Status run_stages(IndexFolder& folder) {
        TRACKWAY_TRY(begin(folder.work()));
        TRACKWAY_TRY(runner_.stage("read", [&] { return read(); }));
        TRACKWAY_TRY(runner_.stage("partition", [&] { return partition(); }));
        if (is_encoded()) TRACKWAY_TRY(runner_.stage("encode", [&] { return encode(); }));
        if (plan_.separate) return build_shards(folder);
        if (is_last("partition", folder)) return {};
        TRACKWAY_TRY(runner_.stage("graph", [&] { return build_graphs(); }));
        if (is_last("graph", folder)) return {};
        TRACKWAY_TRY(runner_.stage("merge", [&] { return merge(); }));
        if (is_last("merge", folder)) return {};
        TRACKWAY_TRY(runner_.stage("truth", [&] { return find_truth(); }));
        TRACKWAY_TRY(runner_.stage("codes", [&] { return make_codes(); }));
        if (is_last("codes", folder)) return {};
        return lay_out(folder);
    }

    Status begin(Result<builder::WorkFolder> work) {
        TRACKWAY_TRY(work);
        kept_.emplace(std::move(*work), report_);
        limit_.emplace(plan_.resident_limit_bytes);
        limit_->watch();
        arena_.before_blocks([this] { limit_->keep(); });
        runner_.after_stages([this] { limit_->room(); });
        report_.plan = plan_.text;
        return {};
    }

    bool is_last(std::string_view stage, IndexFolder& folder) const noexcept {
        if (stage == last_stage_) folder.leave();
        return stage == last_stage_;
    }

    // What partition() and encode() have made, without looking at the vectors given.
    Status take_partition() {
        StageOutput output;
        TRACKWAY_TRY_ASSIGN(partition, kept_->work().find_any("partition", output));
        if (!partition) return builder::fail_before_partition(options_.index_dir);
        input_key_ = builder::input_of_partition(output);
        plan_.shards = builder::shards_of_partition(output);
        if (partition_key() != *partition) {
            return fail(
                ErrorCode::kInvalidArgument,
                join(options_.index_dir.string(),
                     ": stage partition was run with other options, program or instructions"));
        }
        TRACKWAY_TRY(use_partition(*partition, output));
        if (!is_encoded()) return {};
        TRACKWAY_TRY_ASSIGN(encoded, kept_->work().find_any("encode", output));
        if (encoded && *encoded == encode_key()) return use_encoded(output);
        return builder::fail_before_partition(options_.index_dir);
    }

    Status take_part(std::uint32_t shard) {
        TRACKWAY_TRY(take_partition());
        const std::uint32_t shards = parts_->numbers().shard_count();
        if (shard < shards) return {};
        return fail(ErrorCode::kInvalidArgument,
                    join("shard: expected less than ", shards, ", found ", shard));
    }

    // The index's identity is a hash of everything that decides its bytes.
    Status read() {
        base::Checksum identity;
        const std::string recipe = join(
            kVersion, " ", kFormatMajor, ".", kFormatMinor, " ", name_of(vectors_.element_type()),
            " ", vectors_.row_count(), " x ", vectors_.dimension(), " ", name_of(options_.metric),
            " ", options_.graph.max_degree, " ", options_.graph.build_list_size, " ",
            layouts::decimal_text(options_.graph.alpha), " ", plan_.code_bytes, " ",
            options_.code_type ? name_of(*options_.code_type) : "auto", " ",
            options_.layout.page_size_bytes, " ", options_.layout.probe_disk, " ",
            options_.layout.keep_trace, " ", name_of(options_.layout.page_order), " ",
            name_of(options_.layout.encoding), " ", options_.seed, " ", plan_.recipe());
        identity.update(std::as_bytes(std::span(recipe)));
        if (!options_.workload.empty()) {  // a wrong one is found before the vectors are read
            TRACKWAY_TRY_ASSIGN(
                workload, builder::Workload::read(options_.workload, shape(), options_.metric));
            workload_ = std::move(workload);
        }
        builder::VectorPass pass(vectors_, options_.metric, plan_.sample_rows, options_.seed);
        TRACKWAY_TRY(pass.run(
            arena_, [&](std::uint64_t done) { runner_.tell("read", done, vectors_.row_count()); }));
        sample_ = pass.take_sample();
        const StageKey content = pass.content();
        base::Checksum input;
        input.update(std::as_bytes(std::span(content)));
        input_.add_to(input);
        if (workload_) workload_->add_to(input);
        input_key_ = input.digest128();
        identity.update(std::as_bytes(std::span(input_key_)));
        uuid_ = identity.digest128();
        return {};
    }

    MatrixView shape() const noexcept {
        return {nullptr, vectors_.element_type(), vectors_.row_count(), vectors_.dimension()};
    }

    StageKey partition_key() const {
        return builder::stage_key(
            join("partition 3 ", kVersion, " ", name_of(distance::kernels().isa), " ",
                 name_of(vectors_.element_type()), " ", vectors_.row_count(), " x ",
                 vectors_.dimension(), " ", name_of(options_.metric), " ", options_.seed, " ",
                 plan_.partition_recipe()),
            {&input_key_, 1});
    }

    Status partition() {
        partition_key_ = partition_key();
        TRACKWAY_TRY_ASSIGN(output, kept_->made("partition", partition_key_, [&]() {
            return builder::make_partition(kept_->work(),
                                           {.rows = input_,
                                            .input = input_key_,
                                            .sample = sample_.view(),
                                            .workload = workload_ ? &*workload_ : nullptr,
                                            .metric = options_.metric,
                                            .options = {.shards = plan_.shards,
                                                        .replica_factor = plan_.replica_factor,
                                                        .workload_weight = plan_.workload_weight,
                                                        .seed = options_.seed},
                                            .on_demand = plan_.separate},
                                           arena_);
        }));
        sample_ = {};
        TRACKWAY_TRY(use_partition(partition_key_, output));
        if (!workload_) workload_ = builder::Workload::from_vectors(given_);
        return {};
    }

    Status use_partition(const StageKey& key, const StageOutput& output) {
        partition_key_ = key;
        TRACKWAY_TRY_ASSIGN(
            parts, builder::PartitionedVectors::open(kept_->work(), output, input_, *limit_));
        parts_.emplace(std::move(parts));
        report_.partition = parts_->report();
        given_ = parts_->given();
        searched_ = given_;
        searched_key_ = partition_key_;
        return {};
    }

    // From here on the index is built of codes; the vectors given are only written to a file.
    Status encode() {
        searched_key_ = encode_key();
        TRACKWAY_TRY_ASSIGN(
            output, kept_->made("encode", searched_key_, [&]() -> Result<StageOutput> {
                const auto code =
                    quant::fit_code(given_, options_.layout.encoding, options_.metric, arena_);
                if (arena_.stopped()) return base::cancelled();
                TRACKWAY_TRY(check_range_of(code));
                return builder::write_encoded(kept_->work(), given_, code, arena_);
            }));
        return use_encoded(output);
    }

    StageKey encode_key() const {
        return builder::stage_key(join("encode 2 ", name_of(options_.layout.encoding)),
                                  {&partition_key_, 1});
    }

    Status use_encoded(const StageOutput& output) {
        searched_key_ = encode_key();
        TRACKWAY_TRY_ASSIGN(encoded, builder::EncodedVectors::open(kept_->work(), output, *limit_));
        code_ = encoded.code(options_.layout.encoding, options_.metric, given_.element_type);
        encoded_ = std::move(encoded);
        searched_ = encoded_.view(code_, given_);
        if (workload_) workload_->encode(code_);
        return {};
    }

    Status check_range_of(const quant::ScalarCode& code) const {
        const std::uint64_t beyond = quant::first_row_beyond(given_, code);
        if (beyond == given_.row_count) return {};
        return fail(ErrorCode::kInvalidArgument,
                    join(vectors_.path().string(), ": row ",
                         parts_->numbers().row(static_cast<std::uint32_t>(beyond)),
                         ": vector encoding: float16: expected numbers of at most 65504, "
                         "found a larger one"));
    }

    // Separate shards: each is built like any other index, of its vectors alone.
    Status build_shards(IndexFolder& folder) {
        builder::SeparateShards shards(separate_task(), *kept_, runner_);
        TRACKWAY_TRY(runner_.stage("router", [&] { return shards.make_router(*workload_); }));
        if (is_last("partition", folder)) return {};
        workload_.reset();
        for (std::uint32_t shard = 0; shard < plan_.shards; ++shard)
            TRACKWAY_TRY(shards.build(shard));
        if (is_last("graph", folder)) return {};
        TRACKWAY_TRY(runner_.timed("publish", [&] { return shards.publish(folder, uuid_); }));
        report_.vectors = vectors_.row_count();
        report_.peak_resident_bytes = base::peak_resident_bytes();
        return {};
    }

    builder::SeparateTask separate_task() {
        return {.options = options_,
                .plan = plan_,
                .parts = *parts_,
                .partition_key = partition_key_,
                .build = [this](const BuildOptions& options, const builder::VectorRows& input,
                                const BuildProgress& progress) {
                    return Build(options, progress, stop_, input).run("finish");
                }};
    }

    builder::GraphTask graph_task() {
        return {.parts = *parts_,
                .vectors = searched_,
                .metric = options_.metric,
                .options = options_.graph,
                .seed = options_.seed,
                .limit = *limit_,
                .vectors_file =
                    kept_->work().file(is_encoded() ? builder::kEncodedFile : builder::kGivenFile)};
    }

    Status build_graphs() {
        std::uint64_t before = 0;
        for (std::uint32_t shard = 0; shard < plan_.shards; ++shard) {
            TRACKWAY_TRY(build_graph(shard, before, parts_->member_count()));
            before += parts_->member_count(shard);
        }
        return {};
    }

    // For progress: vectors built before, and of all.
    Status build_graph(std::uint32_t shard, std::uint64_t before, std::uint64_t all) {
        graph_keys_.push_back(builder::stage_key(
            join("graph 1 ", shard, " ", options_.graph.max_degree, " ",
                 options_.graph.build_list_size, " ", layouts::decimal_text(options_.graph.alpha)),
            {&searched_key_, 1}));
        const auto stage = builder::graph_stage_name(shard);
        builder::HalfGraph half(kept_->work(), stage, graph_keys_.back(), {});
        TRACKWAY_TRY(kept_->made(stage, graph_keys_.back(), [&] {
            return builder::build_shard_graph(
                half, graph_task(), shard, arena_,
                [&](std::uint32_t done) { runner_.tell("graph", before + done, all); });
        }));
        half.remove();
        return {};
    }

    Status merge() {
        merge_key_ = builder::stage_key("merge 2", graph_keys_);
        TRACKWAY_TRY_ASSIGN(output, kept_->made("merge", merge_key_, [&] {
            return builder::merge_graphs(kept_->work(), graph_task(), arena_);
        }));
        TRACKWAY_TRY_ASSIGN(graph, builder::MergedGraph::open(kept_->work(), output,
                                                              options_.graph.max_degree, *limit_));
        graph_ = std::move(graph);
        return {};
    }

    Status find_truth() {
        const Metric metric = options_.metric;
        judging_ =
            builder::find_judging_queries(*workload_, given_, parts_->numbers(), metric, arena_);
        builder::find_bridges({searched_, metric, graph_.adjacency(), options_.graph.alpha}, arena_,
                              judging_);
        return {};
    }

    Status make_codes() {
        codes_key_ =
            builder::stage_key(join("codes 1 ", plan_.code_bytes, " ",
                                    options_.code_type ? name_of(*options_.code_type) : "auto", " ",
                                    plan_.training_rows),
                               {&merge_key_, 1});
        const builder::CodesTask task{.vectors = searched_,
                                      .given = is_encoded() ? given_ : MatrixView(),
                                      .metric = options_.metric,
                                      .adjacency = graph_.adjacency(),
                                      .numbers = parts_->numbers(),
                                      .entry_point = graph_.entry_point(),
                                      .judging = judging_,
                                      .type = options_.code_type,
                                      .code_bytes = plan_.code_bytes,
                                      .training_rows = plan_.training_rows,
                                      .seed = options_.seed};
        TRACKWAY_TRY_ASSIGN(output, kept_->made("codes", codes_key_, [&]() -> Result<StageOutput> {
            const builder::MadeCodes codes = builder::make_codes(task, arena_);
            if (arena_.stopped()) return base::cancelled();
            return builder::write_codes(kept_->work(), codes);
        }));
        TRACKWAY_TRY_ASSIGN(codes, builder::WorkingCodes::open(kept_->work(), output,
                                                               vectors_.dimension(), *limit_));
        codes_ = std::move(codes);
        report_.code_type = codes_.codec().type();
        report_.code_bytes = codes_.codec().code_bytes();
        report_.code_trials = codes_.trials();
        return {};
    }

    bool is_encoded() const noexcept {
        return options_.layout.encoding != VectorEncoding::kAsGiven;
    }

    Status lay_out(IndexFolder& folder) {
        const builder::BuiltGraph graph{.vectors = searched_,
                                        .given = is_encoded() ? given_ : MatrixView(),
                                        .metric = options_.metric,
                                        .adjacency = graph_.adjacency(),
                                        .numbers = parts_->numbers(),
                                        .entry_point = graph_.entry_point(),
                                        .codec = codes_.codec(),
                                        .codes = codes_.bytes()};
        builder::LayOutTask task{.graph = graph,
                                 .choices = {.page_order = options_.layout.page_order,
                                             .page_size_bytes = options_.layout.page_size_bytes,
                                             .seed = options_.seed,
                                             .calibration_bytes = plan_.calibration_bytes,
                                             .accept_lossy = options_.layout.accept_lossy},
                                 .page_costs = {},
                                 .judging = &judging_,
                                 .manifest = manifest(),
                                 .keep_trace = options_.layout.keep_trace,
                                 .kept = &*kept_,
                                 .last_stage = last_stage_,
                                 .key = codes_key_};
        if (options_.layout.probe_disk) {
            TRACKWAY_TRY_ASSIGN(costs, builder::probe_page_costs(folder.path(), arena_));
            task.page_costs = costs;
        } else if (options_.layout.page_size_bytes == 0) {
            task.page_costs = builder::kUsualPageCosts;
        }
        TRACKWAY_TRY(builder::lay_out(std::move(task), folder, runner_));
        if (is_last("trace", folder) || is_last("order", folder)) return {};
        for (std::uint32_t shard = 0; shard < plan_.shards; ++shard)
            report_.shards[shard].replicas = parts_->replicas(shard).size();
        return {};
    }

    layouts::Manifest manifest() const {
        return {.uuid = uuid_,
                .vectors = given_.row_count,
                .dataset_rows = given_.row_count == input_.row_count ? 0 : input_.row_count,
                .place = input_.place,
                .dimension = given_.dimension,
                .element_type = given_.element_type,
                .metric = options_.metric,
                .code_type = codes_.codec().type(),
                .code_bytes = codes_.codec().code_bytes(),
                .max_degree = options_.graph.max_degree,
                .build_list_size = options_.graph.build_list_size,
                .alpha = layouts::decimal_text(options_.graph.alpha),
                .seed = options_.seed,
                .encoding = code_.encoding,
                .encoding_offset = code_.offset,
                .encoding_step = code_.step,
                .shards = {}};
    }

    const BuildOptions& options_;
    builder::VectorRows input_;
    const VectorFile& vectors_;
    std::stop_token stop_;
    base::Arena arena_;
    BuildReport report_;
    builder::StageRunner runner_;
    builder::Plan plan_;
    std::string_view last_stage_;
    std::optional<builder::KeptStages> kept_;
    std::optional<io::ResidentLimit> limit_;  // outlives all that is mapped

    // What the stages make, in order.
    builder::RowSample sample_;
    StageKey input_key_{};
    std::optional<builder::Workload> workload_;
    layouts::Uuid uuid_{};
    StageKey partition_key_{};
    std::optional<builder::PartitionedVectors> parts_;
    MatrixView given_;
    quant::ScalarCode code_;
    builder::EncodedVectors encoded_;
    StageKey searched_key_{};
    MatrixView searched_;
    std::vector<StageKey> graph_keys_;
    StageKey merge_key_{};
    builder::MergedGraph graph_;
    builder::JudgingQueries judging_;
    StageKey codes_key_{};
    builder::WorkingCodes codes_;
};

}  // namespace

Result<BuildReport> build(const BuildOptions& options, const BuildProgress& progress,
                          const std::stop_token& stop) {
    return build_part(options, {.stage = "finish"}, progress, stop);
}

Result<BuildReport> build_part(const BuildOptions& options, const BuildPart& part,
                               const BuildProgress& progress, const std::stop_token& stop) {
    auto report = base::guarded([&]() -> Result<BuildReport> {
        TRACKWAY_TRY(distance::chosen_kernels());
        TRACKWAY_TRY(base::check_threads_start(options.thread_count));
        TRACKWAY_TRY(builder::check_part(options, part));
        TRACKWAY_TRY_ASSIGN(vectors, VectorFile::open(options.vectors));
        Build build(options, progress, stop, {vectors, {}, vectors.row_count()});
        return part.shard ? build.run_shard(*part.shard) : build.run(part.stage);
    });
    if (!report && report.error().code == ErrorCode::kCancelled)
        report.error().message += "; the same command goes on from what is finished";
    return report;
}

}  // namespace trackway
