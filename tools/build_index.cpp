// build-index: vectors in, index folder out.
#include "trackway/builder.h"
#include "trackway/version.h"

#include "program.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <string>

namespace trackway::tools {
namespace {

using Json = nlohmann::ordered_json;

Json report_json(const BuildReport& report) {
    Json stages = Json::array();
    for (const StageReport& stage : report.stages) {
        stages.push_back({{"name", stage.name},
                          {"seconds", stage.seconds},
                          {"cpu_seconds", stage.cpu_seconds},
                          {"peak_resident_bytes", stage.peak_resident_bytes}});
    }
    Json shards = Json::array();
    for (const ShardReport& shard : report.shards) {
        shards.push_back({{"vectors", shard.vectors},
                          {"replicas", shard.replicas},
                          {"pages", shard.pages},
                          {"mean_degree", shard.mean_degree}});
    }
    return {{"trackway", kVersion},
            {"vectors", report.vectors},
            {"dimension", report.dimension},
            {"element_type", name_of(report.element_type)},
            {"threads", report.threads},
            {"stages", std::move(stages)},
            {"shards", std::move(shards)},
            {"layout",
             {{"order", name_of(report.layout.order)},
              {"page_size_bytes", report.layout.page_size_bytes},
              {"vertices_per_page", report.layout.vertices_per_page},
              {"mean_vertices_per_page", report.layout.mean_vertices_per_page},
              {"neighbor_id_bits", report.layout.neighbor_id_bits}}},
            {"bytes_written", report.bytes_written},
            {"peak_resident_bytes", report.peak_resident_bytes},
            {"vectors_per_second_per_core", report.vectors_per_second_per_core}};
}

void print_summary(const BuildReport& report, const std::string& index) {
    double seconds = 0;
    double cpu_seconds = 0;
    for (const StageReport& stage : report.stages) {
        seconds += stage.seconds;
        cpu_seconds += stage.cpu_seconds;
    }
    std::printf("%s: %llu x %u %s in %.1f s (%.1f CPU s), %.1f MiB written, peak %.1f MiB\n",
                index.c_str(), static_cast<unsigned long long>(report.vectors), report.dimension,
                name_of(report.element_type), seconds, cpu_seconds,
                static_cast<double>(report.bytes_written) / (1 << 20),
                static_cast<double>(report.peak_resident_bytes) / (1 << 20));
    std::printf(
        "pages of %u bytes in %s order, %.1f vertices each; mean degree %.1f; "
        "no workload: only the vectors decide\n",
        report.layout.page_size_bytes, name_of(report.layout.order),
        report.layout.mean_vertices_per_page, report.shards.front().mean_degree);
}

void add_options(CLI::App& app, BuildOptions& options) {
    app.add_option("--vectors", options.vectors,
                   "dataset: .fbin .f16bin .u8bin .i8bin .fvecs "
                   ".bvecs .npy")
        ->type_name("FILE")
        ->required();
    app.add_option("--index", options.index_dir, "folder to create")->type_name("DIR")->required();
    app.add_flag("--overwrite", options.overwrite, "replace the index that is in --index");
    add_choice(app, "--metric", options.metric, metric_names(), "distance");
    app.add_option("--max-degree", options.graph.max_degree, "edges per vertex (R), up to 255");
    app.add_option("--build-list", options.graph.build_list_size,
                   "candidates kept while building (L)");
    app.add_option("--alpha", options.graph.alpha, "slack of pruning, 1 or more");
    app.add_option("--code-bytes", options.code_bytes,
                   "bytes per vector that search keeps in memory; 0: 32, or the dimension if "
                   "smaller");
    app.add_option("--page-size", options.layout.page_size_bytes,
                   "bytes, power of two, 4096 to 65536; 0: the smallest that fits");
    add_choice(app, "--page-order", options.layout.page_order, page_order_names(),
               "which vertices share pages");
    add_size(app, "--memory-budget", options.memory_budget_bytes,
             "most resident memory; 0: 80 % of RAM");
    app.add_option("--threads", options.thread_count, "0: all cores");
    app.add_option("--seed", options.seed, "same input, options and seed: same bytes");
}

}  // namespace

static int run_program(int argc, char** argv) {
    Program program("build-index", "Builds a Trackway index from a file of vectors.");
    BuildOptions options;
    add_options(program.app(), options);
    program.add_json_option();
    return program.run(argc, argv, [&](const std::stop_token& stop) -> Status {
        Progress progress(program.flags().quiet);
        const auto report = build(
            options,
            [&](std::string_view stage, std::uint64_t done, std::uint64_t total) {
                progress.show(stage, done, total);
            },
            stop);
        if (!report) return tl::unexpected(report.error());
        if (program.flags().json != "-") print_summary(*report, options.index_dir.string());
        return program.write_report(report_json(*report).dump(2) + "\n");
    });
}

}  // namespace trackway::tools

int main(int argc, char** argv) {
    return trackway::tools::run_program(argc, argv);
}
