#include "build/lay_out.h"

#include "base/errors.h"
#include "build/working_layout.h"
#include "build/write_stage.h"

#include <string>
#include <utility>

namespace trackway::builder {
namespace {

void fill_report(const LayOutTask& task, const GraphLayout& layout, StageRunner& runner) {
    BuildReport& report = runner.report();
    const auto rows = static_cast<double>(task.graph.vectors.row_count);
    report.shards.resize(layout.extents().size());
    for (const layouts::ShardExtent& extent : layout.extents()) {
        ShardReport& shard = report.shards[extent.shard_id];
        const VertexNumbers& numbers = task.graph.numbers;
        shard.vectors = extent.vertex_count;
        shard.pages = extent.page_count;
        shard.mean_degree = task.graph.adjacency.mean_degree(numbers.begin(extent.shard_id),
                                                             numbers.end(extent.shard_id));
    }
    layout.report(report.layout);
    report.layout.from_vectors =
        task.judging != nullptr && task.judging->workload->is_from_vectors();
    report.vectors = task.graph.vectors.row_count;
    report.dimension = task.graph.vectors.dimension;
    report.element_type = task.manifest.element_type;
    report.layout.encoding = task.manifest.encoding;
    report.threads = runner.arena().thread_count();
    report.peak_resident_bytes = base::peak_resident_bytes();
    double cpu_seconds = 0;
    for (const StageReport& stage : report.stages)
        cpu_seconds += stage.cpu_seconds;
    report.vectors_per_second_per_core = cpu_seconds > 0 ? rows / cpu_seconds : 0;
}

Calibration calibration_of(const layouts::Manifest& manifest) {
    return {.expand_share_permille = manifest.expand_share_permille,
            .estimate_error = manifest.estimate_error,
            .rerank_factor = manifest.rerank_factor,
            .curve = manifest.curve,
            .curve_with_edges = manifest.curve_with_edges};
}

void put_calibration(const Calibration& calibration, layouts::Manifest& manifest) {
    manifest.expand_share_permille = calibration.expand_share_permille;
    manifest.estimate_error = calibration.estimate_error;
    manifest.rerank_factor = calibration.rerank_factor;
    manifest.curve = calibration.curve;
    manifest.curve_with_edges = calibration.curve_with_edges;
}

Result<Trace> trace_of(LayOutTask& task, const GraphLayout& layout, const base::Arena& arena) {
    if (task.judging == nullptr) return std::move(task.trace);
    const auto trace = [&]() -> Result<Trace> {
        Trace made = layout.trace(*task.judging->workload);
        if (arena.stopped()) return base::cancelled();
        return made;
    };
    if (task.kept == nullptr) return trace();
    TRACKWAY_TRY_ASSIGN(output, task.kept->made("trace", stage_key("trace 1", {&task.key, 1}),
                                                [&]() -> Result<StageOutput> {
                                                    TRACKWAY_TRY_ASSIGN(made, trace());
                                                    return write_trace(task.kept->work(), made);
                                                }));
    return read_trace(task.kept->work(), output);
}

Result<OrderedPages> pages_of(const LayOutTask& task, GraphLayout& layout,
                              const base::Arena& arena) {
    const auto order = [&]() -> Result<OrderedPages> {
        OrderedPages made = layout.order_pages(task.page_costs);
        if (arena.stopped()) return base::cancelled();
        return made;
    };
    if (task.kept == nullptr) return order();
    std::string recipe =
        base::join("order 1 ", name_of(task.choices.page_order), " ", task.choices.page_size_bytes);
    if (task.page_costs) {
        for (const double cost : *task.page_costs)
            recipe += base::join(" ", cost);
    }
    TRACKWAY_TRY_ASSIGN(output, task.kept->made("order", stage_key(recipe, {&task.key, 1}),
                                                [&]() -> Result<StageOutput> {
                                                    TRACKWAY_TRY_ASSIGN(made, order());
                                                    return write_order(task.kept->work(), made);
                                                }));
    return read_order(task.kept->work(), output);
}

}  // namespace

Status lay_out(LayOutTask task, IndexFolder& folder, StageRunner& runner) {
    GraphLayout layout(task.graph, task.choices, runner.arena());
    TRACKWAY_TRY(runner.stage("trace", [&]() -> Status {
        TRACKWAY_TRY_ASSIGN(trace, trace_of(task, layout, runner.arena()));
        layout.use_trace(std::move(trace));
        return {};
    }));
    if (task.last_stage == "trace") return {};
    TRACKWAY_TRY(runner.stage("order", [&]() -> Status {
        TRACKWAY_TRY_ASSIGN(pages, pages_of(task, layout, runner.arena()));
        layout.use_pages(std::move(pages), task.manifest.uuid);
        return {};
    }));
    if (task.last_stage == "order") return {};
    layouts::Manifest& manifest = task.manifest;
    manifest.page_order = task.choices.page_order;
    manifest.navigation_degree = kNavigationDegree;
    manifest.tables = {.covisit_edges = task.keep_trace ? 1U : 0U};
    StagedFiles staged;
    TRACKWAY_TRY(runner.stage("write", [&]() -> Status {
        TRACKWAY_TRY_ASSIGN(
            files, write_files(folder.path(), task.graph, layout, manifest, runner.arena()));
        staged = std::move(files);
        return {};
    }));
    TRACKWAY_TRY(runner.stage("calibrate", [&]() -> Status {
        if (task.judging == nullptr) {
            layout.keep_calibration(calibration_of(manifest));
            return {};
        }
        TRACKWAY_TRY_ASSIGN(pages, open_staged(staged, manifest, io::Caching::kPageCache));
        return layout.calibrate_with(*task.judging, pages);
    }));
    put_calibration(layout.calibration(), manifest);
    TRACKWAY_TRY(runner.stage("verify", [&] { return verify_staged(staged, manifest); }));
    std::uint64_t bytes = layouts::manifest_text(manifest).size();
    for (const io::StagedFile& file : staged)
        bytes += file.size_bytes();
    runner.report().bytes_written = bytes;
    TRACKWAY_TRY(runner.timed("publish", [&] {
        return folder.publish(layouts::manifest_text(manifest), std::move(staged));
    }));
    fill_report(task, layout, runner);
    return {};
}

}  // namespace trackway::builder
