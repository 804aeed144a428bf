// relayout-index: lays the pages of an index out anew, for other queries.
#include "trackway/builder.h"

#include "build_report.h"
#include "program.h"

#include <string>

namespace trackway::tools {
namespace {

void add_options(CLI::App& app, RelayoutOptions& options) {
    app.add_option("--index", options.index_dir, "index folder, replaced at the end")
        ->type_name("DIR")
        ->required();
    auto* workload =
        app.add_option("--workload", options.workload, "sample of queries to lay out for")
            ->type_name("FILE");
    auto* trace =
        app.add_option("--trace", options.trace, "what search-index --record-trace has written")
            ->type_name("FILE");
    workload->excludes(trace);
    trace->excludes(workload);
    add_choice(app, "--page-order", options.page_order, page_order_names(),
               "which vertices share pages");
    app.add_flag("--keep-trace", options.keep_trace, "keep the co-visitation graph in the index");
    add_size(app, "--memory-budget", options.memory_budget_bytes,
             "most resident memory; 0: 80 % of RAM");
    app.add_option("--threads", options.thread_count, "0: all cores");
}

}  // namespace

static int run_program(int argc, char** argv) {
    Program program("relayout-index",
                    "Lays the pages of an index out anew, for other queries, without building its "
                    "graph again.",
                    "relayout-index --index index --workload learn.fbin");
    RelayoutOptions options;
    add_options(program.app(), options);
    program.add_json_option();
    return program.run(argc, argv, [&](const std::stop_token& stop) -> Status {
        Progress progress(program.flags().quiet);
        const auto report = relayout(
            options,
            [&](std::string_view stage, std::uint64_t done, std::uint64_t total) {
                progress.show(stage, done, total);
            },
            stop);
        if (!report) return tl::unexpected(report.error());
        if (program.flags().json != "-") print_build_summary(*report, options.index_dir.string());
        return program.write_report(build_report_text(*report));
    });
}

}  // namespace trackway::tools

int main(int argc, char** argv) {
    return trackway::tools::run_program(argc, argv);
}
