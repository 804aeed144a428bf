#include "build/lay_out.h"

#include "build/write_stage.h"

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

}  // namespace

Status lay_out(LayOutTask task, IndexFolder& folder, StageRunner& runner) {
    GraphLayout layout(task.graph, task.choices, runner.arena());
    TRACKWAY_TRY(runner.stage("trace", [&]() -> Status {
        if (task.judging != nullptr) {
            layout.navigate();
            if (!runner.arena().stopped()) layout.trace(*task.judging->workload);
        } else {
            layout.use_trace(std::move(task.trace));
        }
        return {};
    }));
    TRACKWAY_TRY(runner.stage("order", [&]() -> Status {
        if (task.page_costs) layout.choose_page_size(*task.page_costs);
        layout.order_pages();
        if (!runner.arena().stopped()) layout.number_pages(task.manifest.uuid);
        return {};
    }));
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
    TRACKWAY_TRY(
        runner.timed("publish", [&] { return folder.publish(manifest, std::move(staged)); }));
    fill_report(task, layout, runner);
    return {};
}

}  // namespace trackway::builder
