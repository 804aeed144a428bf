// make-ground-truth: the exact nearest neighbours of every query.
#include "trackway/exact_search.h"
#include "trackway/vector_file.h"

#include "program.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace trackway::tools {

static int run_program(int argc, char** argv) {
    Program program("make-ground-truth",
                    "Finds the exact nearest neighbours by comparing with every vector.",
                    "make-ground-truth --vectors base.fbin --queries query.fbin --k 100 "
                    "--output truth.ibin");
    std::string vectors;
    std::string queries;
    std::string output;
    ExactSearchOptions options;
    CLI::App& app = program.app();
    app.add_option("--vectors", vectors, "dataset")->type_name("FILE")->required();
    app.add_option("--queries", queries, "queries")->type_name("FILE")->required();
    app.add_option("--output", output, ".ibin (ids and distances) or .ivecs (ids)")
        ->type_name("FILE")
        ->required();
    add_choice(app, "--metric", options.metric, metric_names(), "distance");
    const CLI::Option* k =
        app.add_option("--k", options.k, "neighbours per query; all where there are fewer vectors");
    app.add_option("--threads", options.thread_count, "0: all cores");
    return program.run(argc, argv, [&](const std::stop_token& stop) -> Status {
        const auto vector_file = VectorFile::open(vectors);
        if (!vector_file) return tl::unexpected(vector_file.error());
        const auto query_file = VectorFile::open(queries);
        if (!query_file) return tl::unexpected(query_file.error());
        if (k->count() == 0) {
            options.k = static_cast<std::uint32_t>(
                std::min<std::uint64_t>(options.k, vector_file->row_count()));
        }
        const auto truth = exact_search(*vector_file, *query_file, options, stop);
        if (!truth) return tl::unexpected(truth.error());
        return write_ground_truth(output, *truth);
    });
}

}  // namespace trackway::tools

int main(int argc, char** argv) {
    return trackway::tools::run_program(argc, argv);
}
