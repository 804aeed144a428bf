// build-index: vectors in, index folder out.
#include "trackway/builder.h"

#include "build_report.h"
#include "program.h"

#include <algorithm>
#include <string>
#include <vector>

namespace trackway::tools {
namespace {

const std::map<std::string, CodeType>& code_type_names() {
    static const std::map<std::string, CodeType> names = {
        {"pq", CodeType::kPq}, {"opq", CodeType::kOpq}, {"rabitq", CodeType::kRabitq}};
    return names;
}

const std::map<std::string, ShardGraphs>& graphs_names() {
    static const std::map<std::string, ShardGraphs> names = {{"merged", ShardGraphs::kMerged},
                                                             {"separate", ShardGraphs::kSeparate}};
    return names;
}

void add_graph_options(CLI::App& app, BuildOptions& options) {
    app.option_defaults()->group("Graph and codes");
    app.add_option("--max-degree", options.graph.max_degree, "edges per vertex (R), up to 255");
    app.add_option("--build-list", options.graph.build_list_size,
                   "candidates kept while building (L)");
    app.add_option("--alpha", options.graph.alpha, "slack of pruning, 1 or more");
    app.add_option("--code-bytes", options.code_bytes,
                   "bytes per vector that search keeps in memory; 0: 32, or the dimension if "
                   "smaller");
    add_choice(app, "--code-type", options.code_type, code_type_names(),
               "kind of codes; without it, the one with which the workload reads fewest pages");
}

void add_layout_options(CLI::App& app, BuildOptions& options) {
    app.option_defaults()->group("Layout on disk");
    app.add_option("--page-size", options.layout.page_size_bytes,
                   "bytes, power of two, 4096 to 65536; 0: chosen by what pages cost a query");
    app.add_flag("--probe-disk", options.layout.probe_disk,
                 "measure for two seconds what pages cost on this disk, to choose their size");
    add_choice(app, "--page-order", options.layout.page_order, page_order_names(),
               "which vertices share pages");
    add_choice(app, "--vector-encoding", options.layout.encoding, encoding_names(),
               "numbers that pages hold and searches compare; the exact vectors then stand in a "
               "side file that only the last step of a search reads");
    app.add_flag("--accept-lossy", options.layout.accept_lossy,
                 "keep a --vector-encoding with which less than 90 % of the nearest are found");
    app.add_flag("--keep-trace", options.layout.keep_trace,
                 "keep the co-visitation graph in the index");
}

void add_shard_options(CLI::App& app, BuildOptions& options) {
    app.option_defaults()->group("Shards");
    app.add_option("--shards", options.shards.count,
                   "parts that are built one after the other; 0: as few as the memory budget "
                   "allows");
    add_choice(app, "--graph", options.shards.graphs, graphs_names(),
               "merged: one graph over the files of all shards; separate: an index of each shard, "
               "of which a search asks those that are worth it");
    app.add_option("--workload-weight", options.shards.workload_weight,
                   "how much the partition heeds queries, 0 to 1000000; without it, learned");
    app.add_option("--replica-factor", options.shards.replica_factor,
                   "vectors near a boundary are built in both shards: at most so many for each; "
                   "without it 1.8 for a merged graph, 1.3 for separate shards");
}

void add_options(CLI::App& app, BuildOptions& options, BuildPart& part) {
    app.option_defaults()->group("Input and output");
    app.add_option("--vectors", options.vectors,
                   "dataset: .fbin .f16bin .u8bin .i8bin .fvecs "
                   ".bvecs .npy")
        ->type_name("FILE")
        ->required();
    app.add_option("--index", options.index_dir, "folder to create")->type_name("DIR")->required();
    app.add_flag("--overwrite", options.overwrite,
                 "replace the index that is in --index, which must hold nothing else");
    add_choice(app, "--metric", options.metric, metric_names(), "distance");
    app.add_option("--workload", options.workload,
                   "sample of queries that decides the layout; without it only the vectors do")
        ->type_name("FILE");
    app.option_defaults()->group("Memory and threads");
    add_size(app, "--memory-budget", options.memory_budget_bytes,
             "most resident memory; 0: 80 % of RAM");
    app.add_option("--threads", options.thread_count, "0: all cores");
    app.add_option("--seed", options.seed, "same input, options and seed: same bytes");
    add_graph_options(app, options);
    add_layout_options(app, options);
    add_shard_options(app, options);
    app.option_defaults()->group("Parts of a build");
    app.add_option("--stage", part.stage,
                   "run the stages up to this one and leave what they made in --index: partition, "
                   "graph, merge, codes, trace, order, finish; separate shards have partition, "
                   "graph (of each shard the whole index) and finish")
        ->capture_default_str();
    app.add_option("--shard", part.shard, "of --stage graph: only the graph of this shard");
    app.option_defaults()->group("Results");
}

// What will run, in order; separate shards name theirs as they come.
std::vector<std::string> stages_of(const BuildOptions& options, const BuildPart& part) {
    std::vector<std::string> stages = {"read",      "partition", "encode", "graph", "merge",
                                       "truth",     "codes",     "trace",  "order", "write",
                                       "calibrate", "verify",    "publish"};
    if (options.shards.graphs == ShardGraphs::kSeparate || part.shard) return {};
    if (options.layout.encoding == VectorEncoding::kAsGiven)
        stages.erase(std::find(stages.begin(), stages.end(), "encode"));
    const auto last = std::find(stages.begin(), stages.end(), part.stage);
    if (last != stages.end()) stages.erase(last + 1, stages.end());
    return stages;
}

}  // namespace

static int run_program(int argc, char** argv) {
    Program program("build-index", "Builds a Trackway index from a file of vectors.",
                    "build-index --vectors base.fbin --workload learn.fbin --index index");
    BuildOptions options;
    BuildPart part{.stage = "finish"};
    add_options(program.app(), options, part);
    program.add_json_option();
    return program.run(argc, argv, [&](const std::stop_token& stop) -> Status {
        Progress progress(program.flags().quiet, stages_of(options, part));
        const auto report = build_part(
            options, part,
            [&](std::string_view stage, std::uint64_t done, std::uint64_t total) {
                progress.show(stage, done, total);
            },
            stop);
        if (!report) return tl::unexpected(report.error());
        if (part.stage != "finish") {
            if (program.flags().json != "-") print_part_summary(*report, part);
        } else if (program.flags().json != "-") {
            print_build_summary(*report, options.index_dir.string());
        }
        return program.write_report(build_report_text(*report));
    });
}

}  // namespace trackway::tools

int main(int argc, char** argv) {
    return trackway::tools::run_program(argc, argv);
}
