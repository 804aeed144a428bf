#include "search_report.h"

#include "trackway/version.h"

#include "base/percentiles.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <fstream>
#include <string_view>

namespace trackway::tools {
namespace {

using Json = nlohmann::ordered_json;

double per_query(const SearchRow& row, std::uint64_t sum) {
    return static_cast<double>(sum) / static_cast<double>(row.queries);
}

double queries_per_second(const SearchRow& row) {
    return static_cast<double>(row.queries) / row.seconds;
}

double cpu_us_per_query(const SearchRow& row) {
    return row.cpu_seconds * 1e6 / static_cast<double>(row.queries);
}

Json row_json(const SearchRow& row) {
    const base::Percentiles latency(row.latencies_ns);
    const auto us = [&](double share) { return static_cast<double>(latency.at(share)) * 1e-3; };
    return {{"search_list", row.search_list},
            {"stop_margin", row.stop_margin ? Json(*row.stop_margin) : Json()},
            {"target_recall", row.target_recall ? Json(*row.target_recall) : Json()},
            {"k", row.k},
            {"queries", row.queries},
            {"recall", row.recall ? Json(*row.recall) : Json()},
            {"qps", queries_per_second(row)},
            {"latency_us_mean", latency.mean() * 1e-3},
            {"latency_us_p50", us(0.50)},
            {"latency_us_p95", us(0.95)},
            {"latency_us_p99", us(0.99)},
            {"latency_us_p999", us(0.999)},
            {"pages_read_per_query", per_query(row, row.pages_read)},
            {"pages_joined_per_query", per_query(row, row.pages_joined)},
            {"rerank_pages_per_query", per_query(row, row.rerank_pages)},
            {"pages_from_cache_per_query", per_query(row, row.pages_from_cache)},
            {"bytes_read_per_query", per_query(row, row.bytes_read)},
            {"hops_per_query", per_query(row, row.hops)},
            {"estimates_per_query", per_query(row, row.estimates)},
            {"exact_distances_per_query", per_query(row, row.exact_distances)},
            {"cpu_us_per_query", cpu_us_per_query(row)},
            {"io_wait_share", per_query(row, row.io_wait_ns) / latency.mean()},
            {"shards_probed_per_query", per_query(row, row.shards_probed)},
            {"partial_answers", row.partial_answers}};
}

// What is resident, in the order in which it was chosen, and what its bytes bought.
Json residence_json(const IndexSummary& summary) {
    const auto part = [](const char* what, std::uint64_t bytes, double before, double after) {
        return Json{{"what", what}, {"bytes", bytes}, {"pages_saved_per_query", before - after}};
    };
    return {{"pages_per_query_at_95_percent", summary.pages_with_all},
            {"parts",
             {{{"what", "codes and navigation"}, {"bytes", summary.bytes_of_tables}},
              part("edges of all vertices", summary.bytes_of_edges, summary.pages_with_tables,
                   summary.pages_with_edges),
              part("hot vertices", summary.bytes_of_hot, summary.pages_with_edges,
                   summary.pages_with_all)}}};
}

std::string cpu_name() {
    constexpr std::string_view kKey = "model name";
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(kKey)) return line.substr(line.find(':') + 2);
    }
    return "unknown";
}

}  // namespace

void SearchRow::add(std::span<const SearchStats> pass) {
    queries += pass.size();
    for (const SearchStats& stats : pass) {
        latencies_ns.push_back(stats.latency_ns);
        io_wait_ns += stats.io_wait_ns;
        bytes_read += stats.bytes_read;
        pages_read += stats.pages_read;
        pages_joined += stats.pages_joined;
        pages_from_cache += stats.pages_from_cache;
        hops += stats.hops;
        estimates += stats.estimates;
        exact_distances += stats.exact_distances;
        rerank_pages += stats.rerank_pages;
        shards_probed += stats.shards_probed;
        if (stats.shards_failed > 0) ++partial_answers;
    }
}

void print_table_head(bool targets) {
    if (targets) std::printf("%7s ", "target");
    std::printf("%6s %4s %8s %9s %9s %9s %9s %7s %9s %9s %9s\n", "L", "k", "recall", "QPS",
                "mean us", "p99 us", "pages", "shards", "estimates", "exact", "CPU us");
}

void print_table_row(const SearchRow& row) {
    const base::Percentiles latency(row.latencies_ns);
    char recall[16] = "-";
    if (row.recall) std::snprintf(recall, sizeof recall, "%.4f", *row.recall);
    if (row.target_recall) std::printf("%7g ", *row.target_recall);
    std::printf("%6u %4u %8s %9.0f %9.0f %9.0f %9.2f %7.2f %9.0f %9.0f %9.0f\n", row.search_list,
                row.k, recall, queries_per_second(row), latency.mean() * 1e-3,
                static_cast<double>(latency.at(0.99)) * 1e-3, per_query(row, row.pages_read),
                per_query(row, row.shards_probed), per_query(row, row.estimates),
                per_query(row, row.exact_distances), cpu_us_per_query(row));
    std::fflush(stdout);
}

void print_circumstances(const Index& index, std::uint64_t bytes_resident) {
    const IndexSummary& summary = index.summary();
    const auto mib = [](std::uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
    std::printf(
        "%.1f MiB resident: codes and navigation %.1f, edges of all %.1f, %llu hot vertices "
        "%.1f; index %.1f MiB on disk; %u threads reading by %s\n",
        mib(bytes_resident), mib(summary.bytes_of_tables), mib(summary.bytes_of_edges),
        static_cast<unsigned long long>(summary.hot_vertices), mib(summary.bytes_of_hot),
        mib(summary.bytes_on_disk), index.thread_count(), index.io_engine());
}

std::string report_text(const Index& index, const std::vector<SearchRow>& rows,
                        std::uint64_t bytes_resident) {
    const IndexSummary& summary = index.summary();
    Json report = {{"trackway", kVersion},
                   {"index",
                    {{"vectors", summary.vectors},
                     {"dimension", summary.dimension},
                     {"element_type", name_of(summary.element_type)},
                     {"vector_encoding", name_of(summary.encoding)},
                     {"metric", name_of(summary.metric)},
                     {"shards", summary.shards},
                     {"separate_shards", summary.are_separate},
                     {"shard_errors", index.shard_errors()},
                     {"page_size_bytes", summary.page_size_bytes},
                     {"vertices_per_page", summary.vertices_per_page},
                     {"page_order", name_of(summary.page_order)},
                     {"expand_share", summary.expand_share},
                     {"hot_vertices", summary.hot_vertices},
                     {"bytes_of_hot_vertices", summary.bytes_of_hot},
                     {"residence", residence_json(summary)},
                     {"bytes_of_tables", summary.bytes_of_tables},
                     {"bytes_on_disk", summary.bytes_on_disk},
                     {"bytes_resident", bytes_resident}}},
                   {"machine",
                    {{"cpu", cpu_name()},
                     {"threads", index.thread_count()},
                     {"io", index.io_engine()},
                     {"io_description", index.io_description()}}},
                   {"rows", Json::array()}};
    for (const SearchRow& row : rows)
        report["rows"].push_back(row_json(row));
    return report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace trackway::tools
