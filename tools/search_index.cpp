// search-index: queries in; recall, throughput, latency and cost per query out.
#include "trackway/index.h"
#include "trackway/vector_file.h"

#include "base/resident_memory.h"
#include "base/stopwatch.h"
#include "program.h"
#include "search_report.h"
#include "search_results.h"

#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace trackway::tools {
namespace {

struct SearchOptions {
    std::string index, queries, ground_truth, result;
    std::vector<std::uint32_t> search_lists = {20, 40, 80};
    const CLI::Option* lists_option = nullptr;  // not given: they follow k
    std::vector<double> target_recalls;
    SearchParams params;
    OpenOptions open;
    std::uint32_t repeat = 1;
    std::uint32_t warm_up = 0;
    std::string record_trace;
    double record_share = 0.01;
};

const std::map<std::string, IoEngine>& engine_names() {
    static const std::map<std::string, IoEngine> names = {
        {"auto", IoEngine::kAuto}, {"uring", IoEngine::kUring}, {"pread", IoEngine::kPread}};
    return names;
}

void add_choices_of_cost(CLI::App& app, SearchOptions& options) {
    app.option_defaults()->group("How hard to search");
    CLI::Option* lists = app.add_option("--search-list", options.search_lists,
                                        "candidates kept per query (L), one row of results per "
                                        "value; k, 2 k and 4 k where none is given and k is above "
                                        "20")
                             ->delimiter(',')
                             ->type_name("L1,L2,...");
    options.lists_option = lists;
    app.add_option("--target-recall", options.target_recalls,
                   "instead of lists: the cheapest calibrated setting for each recall@10")
        ->delimiter(',')
        ->default_str("")
        ->type_name("X1,X2,...")
        ->excludes(lists);
    app.add_option("--stop-margin", options.params.stop_margin,
                   "stop when the best estimate left exceeds the k-th exact distance by this many "
                   "times the usual error of estimates; without it, only the list ends a search")
        ->type_name("M");
    app.add_option(
        "--beam-width", options.params.beam_width,
        "page reads in flight per query (W); 0: 1 when many queries wait, up to 4 for the few "
        "that are left or alone");
    app.add_option("--page-limit", options.params.page_limit,
                   "most pages that one query may read, in each separate shard; 0: no limit");
    app.add_option(
           "--expand-share", options.params.expand_share,
           "of the vertices of each page read, the share expanded at once; without it, what "
           "the builder calibrated")
        ->type_name("0..1");
    app.add_option("--rerank", options.params.rerank,
                   "of an index of encoded vectors: how many of the nearest are measured again by "
                   "exact vectors; 0: none; without it, what the builder calibrated")
        ->type_name("N");
}

void add_shard_options(CLI::App& app, SearchOptions& options) {
    app.option_defaults()->group("Separate shards");
    app.add_option("--shard-probes", options.params.shard_probes,
                   "the most that one query searches as long as they hold k vectors; 0: as many "
                   "as are likely to hold one of its nearest");
    app.add_option("--shard-share", options.params.share_sought,
                   "search those that are expected to hold this share of the nearest; without it, "
                   "what the builder calibrated")
        ->type_name("0..1");
    app.add_flag("--allow-partial", options.open.allow_partial,
                 "go without one that cannot be read, and count the answers that miss it");
}

void add_machine_options(CLI::App& app, SearchOptions& options) {
    app.option_defaults()->group("Memory, threads and disk");
    add_size(app, "--memory-budget", options.open.memory_budget_bytes,
             "all that stays resident; 0: codes, navigation and 5 % of the index");
    app.add_option("--cache-vertices", options.open.cache_vertices,
                   "hot vertices kept in memory; a --memory-budget must hold them");
    app.add_option("--threads", options.open.thread_count, "0: all cores");
    app.add_option("--queries-in-flight", options.open.queries_in_flight_per_thread,
                   "queries in flight per thread");
    add_choice(app, "--io", options.open.io, engine_names(), "how pages are read");
}

void add_options(CLI::App& app, SearchOptions& options) {
    app.option_defaults()->group("What to search for");
    app.add_option("--index", options.index, "index folder")->type_name("DIR")->required();
    app.add_option("--queries", options.queries, "vectors to search for")
        ->type_name("FILE")
        ->required();
    app.add_option("--ground-truth", options.ground_truth, ".ibin or .ivecs; adds recall@k")
        ->type_name("FILE");
    app.add_option("--k", options.params.k, "neighbours per query");
    add_choices_of_cost(app, options);
    add_machine_options(app, options);
    add_shard_options(app, options);
    app.option_defaults()->group("Results");
    app.add_option("--result", options.result,
                   "ids and distances found, by the last list or target: .ibin, .ivecs, .npy, "
                   ".csv or .json")
        ->check(CLI::Validator(not_a_result_file, ""))
        ->type_name("FILE");
    app.add_option("--repeat", options.repeat, "passes over the queries, 1 to 1000000")
        ->check(within(1U, 1000000U));
    app.add_option("--warm-up", options.warm_up,
                   "passes before that are not counted, up to 1000000")
        ->check(within(0U, 1000000U));
    app.add_option("--record-trace", options.record_trace,
                   "write what queries visited, for relayout-index --trace")
        ->type_name("FILE");
    app.add_option("--record-share", options.record_share,
                   "share of the queries that are recorded, 0 to 1")
        ->check(within(0.0, 1.0));
}

struct QuerySet {
    std::vector<std::byte> bytes;
    MatrixView view;
    std::optional<GroundTruth> truth;
};

Result<QuerySet> load(const SearchOptions& options) {
    QuerySet set;
    auto file = VectorFile::open(options.queries);
    if (!file) return tl::unexpected(file.error());
    const std::uint64_t bytes = file->row_count() * file->row_bytes();
    if (Status status = base::check_memory(options.queries, bytes); !status) {
        return tl::unexpected(status.error());
    }
    set.bytes.resize(file->row_count() * file->row_bytes());
    if (Status status = file->read(0, set.bytes); !status) return tl::unexpected(status.error());
    set.view = {set.bytes.data(), file->element_type(), file->row_count(), file->dimension()};
    if (options.ground_truth.empty()) return set;
    auto truth = read_ground_truth(options.ground_truth);
    if (!truth) return tl::unexpected(truth.error());
    if (truth->query_count != set.view.row_count || truth->k < options.params.k) {
        return tl::unexpected(
            Error{ErrorCode::kInvalidArgument,
                  options.ground_truth + ": expected " + std::to_string(set.view.row_count) +
                      " queries with at least " + std::to_string(options.params.k) +
                      " neighbours, found " + std::to_string(truth->query_count) + " with " +
                      std::to_string(truth->k)});
    }
    set.truth = std::move(*truth);
    return set;
}

// One row of results: all passes at one list size.
class RowRunner {
public:
    RowRunner(const QuerySet& set, const SearchOptions& options)
        : set_(set),
          options_(options),
          found_(set.view.row_count * options.params.k),
          stats_(set.view.row_count),
          statuses_(set.view.row_count) {}

    // Fills in what the search of a row cost and found.
    Result<SearchRow> run(const Index& index, const SearchParams& params, SearchRow row,
                          const std::stop_token& stop) {
        for (std::uint32_t pass = 0; pass < options_.warm_up + options_.repeat; ++pass) {
            if (stop.stop_requested()) {
                return tl::unexpected(Error{ErrorCode::kCancelled, "the search was stopped"});
            }
            const base::Stopwatch watch;
            Status status = index.search(set_.view, params, found_, stats_, statuses_);
            if (!status) return tl::unexpected(located(status.error()));
            note_failures();
            if (pass < options_.warm_up) continue;
            row.seconds += watch.seconds();
            row.cpu_seconds += watch.cpu_seconds();
            row.add(stats_);
        }
        if (set_.truth) row.recall = recall_at_k(*set_.truth, found_, params.k);
        return row;
    }

    // What answers and their statistics take, which the index does not.
    std::uint64_t bytes() const {
        return found_.size() * sizeof(Neighbor) + stats_.size() * sizeof(SearchStats);
    }

    // None failed in any pass; or how many of the pass with most, and the first one's error.
    Status failures() const {
        if (failed_ == 0) return {};
        Error error = first_failure_;
        error.message =
            std::to_string(failed_) + " of " + std::to_string(set_.view.row_count) +
            " queries failed, their results hold no vectors; the first: " + error.message;
        return tl::unexpected(std::move(error));
    }

    // What the last pass found.
    SearchResults results() const { return {options_.params.k, found_, statuses_}; }

private:
    // Each query is named once, on stderr.
    void note_failures() {
        std::uint64_t failed = 0;
        for (std::size_t query = 0; query < statuses_.size(); ++query) {
            if (statuses_[query]) continue;
            Error error = statuses_[query].error();
            error.message.insert(0, "query " + std::to_string(query) + ": ");
            if (failed++ == 0 && failed_ == 0) first_failure_ = error;
            if (failed_ == 0) std::fprintf(stderr, "search-index: %s\n", error.message.c_str());
        }
        failed_ = std::max(failed_, failed);
    }

    // The library does not know from which file the queries come.
    Error located(Error error) const {
        if (error.message.starts_with("quer")) error.message.insert(0, options_.queries + ": ");
        return error;
    }

    const QuerySet& set_;
    const SearchOptions& options_;
    std::vector<Neighbor> found_;
    std::vector<SearchStats> stats_;
    std::vector<Status> statuses_;
    std::uint64_t failed_ = 0;  // queries, in the pass with most
    Error first_failure_;
};

struct PlannedRow {
    SearchParams params;
    SearchRow row;  // what is known before the search
};

// A list holds at least the neighbours that are asked for.
std::vector<std::uint32_t> lists_of(const SearchOptions& options) {
    const std::uint32_t k = options.params.k;
    if (options.lists_option->count() > 0 || k <= options.search_lists.front())
        return options.search_lists;
    return {k, 2 * k, 4 * k};
}

// Every target is looked up before the first row runs.
Result<std::vector<PlannedRow>> plan_rows(const SearchOptions& options, const Index& index) {
    std::vector<PlannedRow> planned;
    for (const double target : options.target_recalls) {
        auto setting = index.setting_for_recall(target, options.params.k);
        if (!setting) return tl::unexpected(setting.error());
        PlannedRow& next = planned.emplace_back();
        next.params = options.params;
        next.params.target_recall = target;
        next.row.search_list = setting->search_list_size;
        next.row.stop_margin = setting->stop_margin;
        next.row.target_recall = target;
    }
    for (const std::uint32_t list : lists_of(options)) {
        if (!options.target_recalls.empty()) break;
        PlannedRow& next = planned.emplace_back();
        next.params = options.params;
        next.params.search_list_size = list;
        next.row.search_list = list;
        next.row.stop_margin = options.params.stop_margin;
    }
    for (PlannedRow& next : planned)
        next.row.k = options.params.k;
    return planned;
}

// The reason for a weaker engine than the best is said once, on stderr.
void warn_about_engine(const SearchOptions& options, const Index& index) {
    const bool fell_back =
        options.open.io == IoEngine::kAuto && index.io_engine() != std::string("uring");
    const bool buffered = index.io_description().find("no direct I/O") != std::string::npos;
    if (fell_back || buffered) {
        std::fprintf(stderr, "search-index: reading with %s\n", index.io_description().c_str());
    }
}

Status search(SearchOptions& options, Program& program, const std::stop_token& stop) {
    auto set = load(options);
    if (!set) return tl::unexpected(set.error());
    const std::uint64_t resident_before = base::resident_bytes();
    program.set_may_leave(true);
    options.open.max_beam_width =
        options.params.beam_width > 0 ? options.params.beam_width : kAdaptiveBeamMax;
    if (!options.record_trace.empty()) options.open.record_share = options.record_share;
    const auto index = Index::open(options.index, options.open);
    if (!index) return tl::unexpected(index.error());
    warn_about_engine(options, *index);
    if (index->summary().pages_left_out > 0) {
        std::fprintf(stderr, "search-index: %llu pages cannot be kept in memory; the first: %s\n",
                     static_cast<unsigned long long>(index->summary().pages_left_out),
                     index->summary().left_out_reason.c_str());
    }
    const std::uint64_t vectors = index->summary().vectors;
    if (options.params.k < 1 || options.params.k > vectors) {  // before room is made for answers
        return tl::unexpected(
            Error{ErrorCode::kInvalidArgument, "k: expected 1 to " + std::to_string(vectors) +
                                                   ", found " + std::to_string(options.params.k)});
    }
    const auto planned = plan_rows(options, *index);
    if (!planned) return tl::unexpected(planned.error());
    if (!options.target_recalls.empty() && options.params.k != 10) {
        std::fprintf(stderr,
                     "search-index: targets were calibrated for 10 neighbours; for %u lists are "
                     "scaled, and the recall may differ\n",
                     options.params.k);
    }
    RowRunner runner(*set, options);
    std::vector<SearchRow> rows;
    const bool table = program.flags().json != "-";
    std::uint64_t resident = 0;
    for (const PlannedRow& next : *planned) {
        auto row = runner.run(*index, next.params, next.row, stop);
        if (!row) return tl::unexpected(row.error());
        if (table && rows.empty()) print_table_head(!options.target_recalls.empty());
        if (table) print_table_row(*row);
        if (row->partial_answers > 0) {
            std::fprintf(stderr,
                         "search-index: %llu of %llu answers miss shards that could not be read\n",
                         static_cast<unsigned long long>(row->partial_answers),
                         static_cast<unsigned long long>(row->queries));
        }
        resident = std::max(resident, base::resident_bytes());
        rows.push_back(std::move(*row));
    }
    for (const std::string& error : index->shard_errors())
        std::fprintf(stderr, "search-index: left out: %s\n", error.c_str());
    program.set_may_leave(false);
    if (!options.result.empty()) {
        if (Status status = write_results(options.result, runner.results()); !status) return status;
    }
    if (!options.record_trace.empty()) {
        if (Status status = index->save_trace(options.record_trace); !status) return status;
    }
    const std::uint64_t others = resident_before + runner.bytes();
    const std::uint64_t kept = resident > others ? resident - others : 0;
    if (table) print_circumstances(*index, kept);
    if (Status status = program.write_report(report_text(*index, rows, kept)); !status)
        return status;
    return runner.failures();
}

}  // namespace

static int run_program(int argc, char** argv) {
    Program program("search-index", "Searches a Trackway index and says what it cost.",
                    "search-index --index index --queries query.fbin --target-recall 0.95 "
                    "--result found.npy");
    SearchOptions options;
    add_options(program.app(), options);
    program.add_json_option();
    program.guard_output("--result");
    program.guard_output("--record-trace");
    return program.run(argc, argv,
                       [&](const std::stop_token& stop) { return search(options, program, stop); });
}

}  // namespace trackway::tools

int main(int argc, char** argv) {
    return trackway::tools::run_program(argc, argv);
}
