// Building an index: the stages up to the graph and its codes; lay_out() has the rest.
#include "trackway/builder.h"
#include "trackway/vector_file.h"

#include "base/aligned_buffer.h"
#include "base/arena.h"
#include "base/checksum.h"
#include "base/errors.h"
#include "build/codes_stage.h"
#include "build/index_folder.h"
#include "build/judging_queries.h"
#include "build/lay_out.h"
#include "build/page_cost.h"
#include "build/plan.h"
#include "build/stage_runner.h"
#include "build/workload.h"
#include "distance/row_floats.h"
#include "graph/vamana.h"
#include "quant/scalar_codes.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace trackway {
namespace {

using base::fail;
using base::join;
using builder::IndexFolder;

constexpr std::size_t kReadBytes = std::size_t{8} << 20U;

class Build {
public:
    Build(const BuildOptions& options, const BuildProgress& progress, const std::stop_token& stop,
          const VectorFile& vectors)
        : options_(options),
          vectors_(vectors),
          arena_(options.thread_count, stop),
          runner_(arena_, progress, report_) {}

    Result<BuildReport> run() {
        TRACKWAY_TRY_ASSIGN(plan, builder::make_plan(options_, vectors_, arena_.thread_count()));
        TRACKWAY_TRY_ASSIGN(folder, IndexFolder::open(options_.index_dir, options_.overwrite));
        plan_ = plan;
        TRACKWAY_TRY(runner_.stage("read", [&] { return read(); }));
        if (options_.layout.encoding != VectorEncoding::kAsGiven) {
            TRACKWAY_TRY(runner_.stage("encode", [&] { return encode(); }));
        }
        TRACKWAY_TRY(runner_.stage("graph", [&] { return build_graph(); }));
        TRACKWAY_TRY(runner_.stage("truth", [&] { return find_truth(); }));
        TRACKWAY_TRY(runner_.stage("codes", [&] { return make_codes(); }));
        TRACKWAY_TRY(lay_out(folder));
        return std::move(report_);
    }

private:
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
            name_of(options_.layout.encoding), " ", options_.seed);
        identity.update(std::as_bytes(std::span(recipe)));
        const std::size_t row_bytes = vectors_.row_bytes();
        const std::uint64_t rows = vectors_.row_count();
        const std::uint64_t step = std::max<std::uint64_t>(1, kReadBytes / row_bytes);
        data_ = base::AlignedBuffer(rows * row_bytes);
        for (std::uint64_t first = 0; first < rows && !arena_.stopped(); first += step) {
            const auto block =
                data_.span().subspan(first * row_bytes, std::min(step, rows - first) * row_bytes);
            TRACKWAY_TRY(vectors_.read(first, block));
            identity.update(block);
            runner_.tell("read", std::min(first + step, rows), rows);
        }
        given_ = {data_.data(), vectors_.element_type(), rows, vectors_.dimension()};
        matrix_ = given_;
        starts_ = {0, static_cast<std::uint32_t>(rows)};
        TRACKWAY_TRY(read_workload());
        workload_->add_to(identity);
        uuid_ = identity.digest128();
        const std::uint64_t too_long = distance::first_row_too_long(matrix_);
        if (too_long == rows) return {};
        return fail(ErrorCode::kInvalidArgument,
                    join(vectors_.path().string(), ": row ", too_long,
                         ": expected a squared length of at most 1e37, found more"));
    }

    Status read_workload() {
        if (options_.workload.empty()) {
            workload_ = builder::Workload::from_vectors(matrix_);
            return {};
        }
        TRACKWAY_TRY_ASSIGN(workload, builder::Workload::read(options_.workload, matrix_));
        workload_ = std::move(workload);
        return {};
    }

    // From here on the index is built of codes; the vectors given are only written to a file.
    Status encode() {
        code_ = quant::fit_code(given_, options_.layout.encoding, options_.metric, arena_);
        const std::uint64_t beyond = quant::first_row_beyond(given_, code_);
        if (beyond < given_.row_count) {
            return fail(ErrorCode::kInvalidArgument,
                        join(vectors_.path().string(), ": row ", beyond,
                             ": vector encoding: float16: expected numbers of at most 65504, "
                             "found a larger one"));
        }
        encoded_ = quant::encode_matrix(given_, code_, arena_);
        matrix_ = {encoded_.data(), code_.stored(), given_.row_count, given_.dimension};
        workload_->encode(code_);
        return {};
    }

    Status build_graph() {
        const graph::PointSet points(matrix_, options_.metric, arena_);
        graph_ = graph::build_vamana(
            points,
            {.max_degree = options_.graph.max_degree,
             .build_list_size = options_.graph.build_list_size,
             .alpha = options_.graph.alpha,
             .seed = options_.seed},
            arena_, [&](std::uint32_t done) { runner_.tell("graph", done, matrix_.row_count); });
        // Pages hold sorted lists: what comes after must not depend on an order that is lost there.
        for (std::uint32_t v = 0; v < graph_.adjacency.vertex_count(); ++v)
            graph_.adjacency.sort(v);
        return {};
    }

    Status find_truth() {
        judging_ =
            builder::find_judging_queries(*workload_, given_, numbers(), options_.metric, arena_);
        return {};
    }

    Status make_codes() {
        made_ = builder::make_codes({.vectors = matrix_,
                                     .given = is_encoded() ? given_ : MatrixView(),
                                     .metric = options_.metric,
                                     .adjacency = graph_.adjacency,
                                     .numbers = numbers(),
                                     .entry_point = graph_.entry_point,
                                     .judging = judging_,
                                     .type = options_.code_type,
                                     .code_bytes = plan_.code_bytes,
                                     .seed = options_.seed},
                                    arena_);
        report_.code_type = made_.codec->type();
        report_.code_bytes = made_.codec->code_bytes();
        report_.code_trials = made_.trials;
        return {};
    }

    builder::VertexNumbers numbers() const noexcept { return {starts_, {}, {}}; }

    bool is_encoded() const noexcept { return code_.encoding != VectorEncoding::kAsGiven; }

    Status lay_out(IndexFolder& folder) {
        const builder::BuiltGraph graph{.vectors = matrix_,
                                        .given = is_encoded() ? given_ : MatrixView(),
                                        .metric = options_.metric,
                                        .adjacency = graph_.adjacency,
                                        .numbers = numbers(),
                                        .entry_point = graph_.entry_point,
                                        .codec = *made_.codec,
                                        .codes = made_.codes};
        builder::LayOutTask task{.graph = graph,
                                 .choices = {.page_order = options_.layout.page_order,
                                             .page_size_bytes = options_.layout.page_size_bytes,
                                             .seed = options_.seed},
                                 .page_costs = {},
                                 .judging = &judging_,
                                 .manifest = {.uuid = uuid_,
                                              .vectors = matrix_.row_count,
                                              .dimension = matrix_.dimension,
                                              .element_type = given_.element_type,
                                              .metric = options_.metric,
                                              .code_type = made_.codec->type(),
                                              .code_bytes = made_.codec->code_bytes(),
                                              .max_degree = options_.graph.max_degree,
                                              .build_list_size = options_.graph.build_list_size,
                                              .alpha = layouts::decimal_text(options_.graph.alpha),
                                              .seed = options_.seed,
                                              .encoding = code_.encoding,
                                              .encoding_offset = code_.offset,
                                              .encoding_step = code_.step,
                                              .shards = {}},
                                 .keep_trace = options_.layout.keep_trace};
        if (options_.layout.probe_disk) {
            TRACKWAY_TRY_ASSIGN(costs, builder::probe_page_costs(folder.path(), arena_));
            task.page_costs = costs;
        } else if (options_.layout.page_size_bytes == 0) {
            task.page_costs = builder::kUsualPageCosts;
        }
        return builder::lay_out(std::move(task), folder, runner_);
    }

    const BuildOptions& options_;
    const VectorFile& vectors_;
    base::Arena arena_;
    BuildReport report_;
    builder::StageRunner runner_;
    builder::Plan plan_;

    // What the stages make, in order.
    base::AlignedBuffer data_;
    MatrixView given_;
    quant::ScalarCode code_;
    base::AlignedBuffer encoded_;
    MatrixView matrix_;  // what is searched: of one of the two
    std::vector<std::uint32_t> starts_;
    std::optional<builder::Workload> workload_;
    layouts::Uuid uuid_{};
    graph::VamanaGraph graph_;
    builder::JudgingQueries judging_;
    builder::MadeCodes made_;
};

}  // namespace

Result<BuildReport> build(const BuildOptions& options, const BuildProgress& progress,
                          const std::stop_token& stop) {
    TRACKWAY_TRY(distance::chosen_kernels());
    TRACKWAY_TRY_ASSIGN(vectors, VectorFile::open(options.vectors));
    return Build(options, progress, stop, vectors).run();
}

}  // namespace trackway
