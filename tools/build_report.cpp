#include "build_report.h"

#include "trackway/version.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <utility>

namespace trackway::tools {
namespace {

using Json = nlohmann::ordered_json;

Json layout_json(const LayoutReport& layout) {
    const auto& recall = layout.encoding_recall_without_rerank;
    return {{"order", name_of(layout.order)},
            {"page_size_bytes", layout.page_size_bytes},
            {"vertices_per_page", layout.vertices_per_page},
            {"mean_vertices_per_page", layout.mean_vertices_per_page},
            {"workload", !layout.from_vectors},
            {"queries_traced", layout.queries_traced},
            {"traced_pages_before", layout.traced_pages_before},
            {"traced_pages_after", layout.traced_pages_after},
            {"expand_share", layout.expand_share},
            {"expected_pages_per_query", layout.expected_pages_per_query},
            {"expected_estimates_per_query", layout.expected_estimates_per_query},
            {"vector_encoding", name_of(layout.encoding)},
            {"encoding_recall_without_rerank", recall ? Json(*recall) : Json()},
            {"not_tried", layout.not_tried}};
}

Json partition_json(const PartitionReport& partition) {
    Json trials = Json::array();
    for (const PartitionTrial& trial : partition.trials) {
        trials.push_back({{"workload_weight", trial.workload_weight},
                          {"shards_per_query", trial.shards_per_query}});
    }
    return {{"workload_weight", partition.workload_weight}, {"trials", std::move(trials)}};
}

void print_plan(const BuildReport& report) {
    if (!report.plan.empty()) std::printf("%s\n", report.plan.c_str());
    if (report.stages_resumed.empty()) return;
    std::printf("finished before:");
    for (const std::string& stage : report.stages_resumed)
        std::printf(" %s", stage.c_str());
    std::printf("\n");
}

}  // namespace

std::string build_report_text(const BuildReport& report) {
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
    Json trials = Json::array();
    for (const CodeTrial& trial : report.code_trials) {
        trials.push_back({{"type", name_of(trial.type)},
                          {"code_bytes", trial.code_bytes},
                          {"pages_per_query", trial.pages_per_query}});
    }
    const Json json = {{"trackway", kVersion},
                       {"vectors", report.vectors},
                       {"dimension", report.dimension},
                       {"element_type", name_of(report.element_type)},
                       {"threads", report.threads},
                       {"plan", report.plan},
                       {"stages_resumed", report.stages_resumed},
                       {"stages", std::move(stages)},
                       {"shards", std::move(shards)},
                       {"partition", partition_json(report.partition)},
                       {"layout", layout_json(report.layout)},
                       {"codes",
                        {{"type", name_of(report.code_type)},
                         {"code_bytes", report.code_bytes},
                         {"trials", std::move(trials)}}},
                       {"bytes_written", report.bytes_written},
                       {"peak_resident_bytes", report.peak_resident_bytes},
                       {"vectors_per_second_per_core", report.vectors_per_second_per_core}};
    return json.dump(2) + "\n";
}

void print_part_summary(const BuildReport& report, const BuildPart& part) {
    print_plan(report);
    std::printf("stage %s", part.stage.c_str());
    if (part.shard) std::printf(" of shard %u", *part.shard);
    std::printf(" is finished\n");
}

void print_build_summary(const BuildReport& report, const std::string& index) {
    double seconds = 0;
    double cpu_seconds = 0;
    for (const StageReport& stage : report.stages) {
        seconds += stage.seconds;
        cpu_seconds += stage.cpu_seconds;
    }
    const LayoutReport& layout = report.layout;
    std::printf("%s: %llu x %u %s in %.1f s (%.1f CPU s), %.1f MiB written, peak %.1f MiB\n",
                index.c_str(), static_cast<unsigned long long>(report.vectors), report.dimension,
                name_of(report.element_type), seconds, cpu_seconds,
                static_cast<double>(report.bytes_written) / (1 << 20),
                static_cast<double>(report.peak_resident_bytes) / (1 << 20));
    print_plan(report);
    if (report.shards.size() > 1) {
        std::printf("workload weight %g;", report.partition.workload_weight);
        for (const PartitionTrial& trial : report.partition.trials)
            std::printf(" %g: %.2f shards a query", trial.workload_weight, trial.shards_per_query);
        std::printf("\n");
    }
    if (report.code_bytes > 0) {
        std::printf("%s codes of %u bytes", name_of(report.code_type), report.code_bytes);
        for (const CodeTrial& trial : report.code_trials)
            std::printf("%s %s reads %.1f pages", &trial == report.code_trials.data() ? ":" : ",",
                        name_of(trial.type), trial.pages_per_query);
        std::printf(report.code_trials.empty() ? "\n" : ", a vertex each\n");
    }
    std::printf("pages of %u bytes in %s order, %.1f vertices each; mean degree %.1f\n",
                layout.page_size_bytes, name_of(layout.order), layout.mean_vertices_per_page,
                report.shards.front().mean_degree);
    if (layout.queries_traced > 0) {
        std::printf(
            "%llu %s traced: vertices expanded lie on %.2f pages in insertion order, %.2f now\n",
            static_cast<unsigned long long>(layout.queries_traced),
            layout.from_vectors ? "vectors, for want of a workload," : "queries",
            layout.traced_pages_before, layout.traced_pages_after);
    }
    if (layout.expected_pages_per_query > 0) {
        std::printf("expanding %.0f %% of page-mates: %.2f pages and %.0f estimates expected\n",
                    layout.expand_share * 100, layout.expected_pages_per_query,
                    layout.expected_estimates_per_query);
    }
    if (!layout.not_tried.empty())
        std::printf("not tried, since it would take long: %s\n", layout.not_tried.c_str());
    if (layout.encoding_recall_without_rerank) {
        std::printf("%s codes alone find %.2f %% of the 10 nearest; the rest takes exact vectors\n",
                    name_of(layout.encoding), *layout.encoding_recall_without_rerank * 100);
    }
}

}  // namespace trackway::tools
