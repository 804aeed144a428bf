// Reordering an index: its vectors, edges and codes are read back, and lay_out() does the rest.
#include "trackway/builder.h"

#include "base/arena.h"
#include "base/checksum.h"
#include "base/errors.h"
#include "build/bridges.h"
#include "build/index_folder.h"
#include "build/judging_queries.h"
#include "build/lay_out.h"
#include "build/load_graph.h"
#include "build/stage_runner.h"
#include "build/workload.h"
#include "distance/distance.h"
#include "layouts/trace_file.h"

#include <optional>
#include <string>
#include <utility>

namespace trackway {
namespace {

using base::fail;
using base::join;
using builder::IndexFolder;

class Relayout {
public:
    Relayout(const RelayoutOptions& options, const BuildProgress& progress,
             const std::stop_token& stop)
        : options_(options),
          arena_(options.thread_count, stop),
          runner_(arena_, progress, report_) {}

    Result<BuildReport> run() {
        if (options_.workload.empty() == options_.trace.empty()) {
            return fail(ErrorCode::kInvalidArgument,
                        "relayout: expected either a workload or a trace");
        }
        TRACKWAY_TRY_ASSIGN(manifest, layouts::read_manifest(options_.index_dir));
        manifest_ = std::move(manifest);
        TRACKWAY_TRY_ASSIGN(
            folder, IndexFolder::open(options_.index_dir, builder::FolderMayHold::kOwnIndex));
        TRACKWAY_TRY(runner_.stage("read", [&] { return read(); }));
        if (workload_) {
            TRACKWAY_TRY(runner_.stage("truth", [&]() -> Status {
                judging_ = builder::find_judging_queries(
                    *workload_, graph_->given(), graph_->numbers(), manifest_.metric, arena_);
                const builder::BuiltGraph graph = graph_->graph();
                builder::find_bridges(
                    {graph.vectors, graph.metric, graph.adjacency, manifest_.alpha_value()}, arena_,
                    judging_);
                return {};
            }));
        }
        TRACKWAY_TRY(lay_out(folder));
        return std::move(report_);
    }

private:
    Status read() {
        TRACKWAY_TRY_ASSIGN(graph, builder::LoadedGraph::load(options_.index_dir, manifest_,
                                                              options_.memory_budget_bytes));
        graph_.emplace(std::move(graph));
        base::Checksum identity;
        const std::string recipe =
            join("relayout ", kVersion, " ", kFormatMajor, ".", kFormatMinor, " ",
                 name_of(options_.page_order), " ", options_.keep_trace);
        identity.update(std::as_bytes(std::span(recipe)));
        identity.update(std::as_bytes(std::span(manifest_.uuid)));
        if (!options_.workload.empty()) {
            TRACKWAY_TRY_ASSIGN(
                workload,
                builder::Workload::read(options_.workload, graph_->given(), manifest_.metric));
            workload.add_to(identity);
            workload_ = std::move(workload);
            if (manifest_.is_encoded()) {
                workload_->encode({.encoding = manifest_.encoding,
                                   .metric = manifest_.metric,
                                   .given = manifest_.element_type,
                                   .offset = manifest_.encoding_offset,
                                   .step = manifest_.encoding_step});
            }
        } else {
            TRACKWAY_TRY_ASSIGN(
                visits, layouts::read_trace(options_.trace, manifest_.uuid, graph_->place_count()));
            identity.update(std::as_bytes(std::span(visits)));
            TRACKWAY_TRY(use_trace(visits));
        }
        uuid_ = identity.digest128();
        return {};
    }

    // Queries by turns train and judge; of real queries, all that they expanded was useful.
    Status use_trace(std::span<const std::uint32_t> values) {
        std::uint64_t query = 0;
        for (std::size_t at = 0; at < values.size(); ++query) {
            builder::Visits visits;
            for (const std::uint32_t place : values.subspan(at + 1, values[at])) {
                const std::uint32_t vertex = graph_->vertex_at(place);
                if (vertex == builder::LoadedGraph::kNoVertex) {
                    return fail(ErrorCode::kCorruption,
                                join(options_.trace.string(), ": query ", query, ": place ", place,
                                     ": expected a vertex, found an empty place"));
                }
                visits.expanded.push_back(vertex);
            }
            visits.useful = visits.expanded;
            std::sort(visits.useful.begin(), visits.useful.end());
            at += std::size_t{values[at]} + 1;
            auto& half = builder::Workload::judges(query) ? trace_.judging : trace_.training;
            half.push_back(std::move(visits));
        }
        return {};
    }

    Status lay_out(IndexFolder& folder) {
        const builder::BuiltGraph graph = graph_->graph();
        layouts::Manifest manifest = manifest_;
        manifest.format_minor = kFormatMinor;
        manifest.uuid = uuid_;
        return builder::lay_out({.graph = graph,
                                 .choices = {.page_order = options_.page_order,
                                             .page_size_bytes = graph_->page_size_bytes(),
                                             .seed = manifest_.seed,
                                             .accept_lossy = true},
                                 .page_costs = {},
                                 .judging = workload_ ? &judging_ : nullptr,
                                 .trace = std::move(trace_),
                                 .manifest = std::move(manifest),
                                 .keep_trace = options_.keep_trace},
                                folder, runner_);
    }

    const RelayoutOptions& options_;
    base::Arena arena_;
    BuildReport report_;
    builder::StageRunner runner_;
    layouts::Manifest manifest_;
    std::optional<builder::LoadedGraph> graph_;
    std::optional<builder::Workload> workload_;
    builder::JudgingQueries judging_;
    builder::Trace trace_;
    layouts::Uuid uuid_{};
};

}  // namespace

Result<BuildReport> relayout(const RelayoutOptions& options, const BuildProgress& progress,
                             const std::stop_token& stop) {
    return base::guarded([&]() -> Result<BuildReport> {
        TRACKWAY_TRY(distance::chosen_kernels());
        TRACKWAY_TRY(base::check_threads_start(options.thread_count));
        return Relayout(options, progress, stop).run();
    });
}

}  // namespace trackway
