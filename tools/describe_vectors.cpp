// describe-vectors: what kind of data a vector file holds, and how far queries lie from it.
#include "program.h"
#include "statistics_report.h"
#include "vector_statistics.h"

#include <filesystem>
#include <string>
#include <vector>

namespace trackway::tools {

static int run_program(int argc, char** argv) {
    Program program(
        "describe-vectors",
        "Says of a file of vectors, by a sample of its rows: how many rows are copies of others, "
        "how far the nearest row is (nearest, the median) and any row (mean), mean / mean nearest "
        "(contrast: near 1, neighbours mean little), and of how many dimensions the data looks "
        "nearby (maximum likelihood, from the 20 nearest). Of queries the same, to rows of the "
        "data; times as far: their nearest row, compared with that of a row of the data. Much "
        "above 1, they are out of distribution: a workload must be like them.",
        "describe-vectors --vectors base.fbin --queries query.fbin");
    std::string vectors;
    std::vector<std::string> queries;
    StatisticsOptions options;
    CLI::App& app = program.app();
    app.add_option("--vectors", vectors, "dataset")->type_name("FILE")->required();
    app.add_option("--queries", queries, "queries; as many files as wanted")->type_name("FILE");
    add_choice(app, "--metric", options.metric, metric_names(),
               "l2, or cosine and ip, which compare rows scaled to length 1");
    app.add_option("--sample", options.sample,
                   "rows of each file whose nearest are found; 0: up to 1000, fewer where the "
                   "dataset is large");
    app.add_option("--threads", options.thread_count, "0: all cores");
    app.add_option("--seed", options.seed, "of the sample");
    program.add_json_option();
    return program.run(argc, argv, [&](const std::stop_token& stop) -> Status {
        const std::vector<std::filesystem::path> paths(queries.begin(), queries.end());
        const auto statistics = describe_vectors(vectors, paths, options, stop);
        if (!statistics) return tl::unexpected(statistics.error());
        if (program.flags().json != "-") print_statistics(*statistics);
        return program.write_report(statistics_text(*statistics));
    });
}

}  // namespace trackway::tools

int main(int argc, char** argv) {
    return trackway::tools::run_program(argc, argv);
}
