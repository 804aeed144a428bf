// make-dataset: seeded synthetic vectors with queries from the same and from another distribution.
#include "trackway/vector_file.h"

#include "base/errors.h"
#include "base/random.h"
#include "dataset_families.h"
#include "element_conversion.h"
#include "program.h"
#include "row_copies.h"
#include "statistics_report.h"
#include "topics.h"
#include "vector_statistics.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <vector>

namespace trackway::tools {
namespace {

using base::fail;
using base::join;

constexpr double kDefaultDriftShare = 0.1;

struct DatasetOptions {
    std::string output;
    FamilyOptions family;
    std::uint64_t vectors = 100000;
    std::uint64_t queries = 1000;
    std::uint64_t workload_queries = 0;  // as many as queries
    double zipf = 0;
    std::uint32_t drift_steps = 1;
    double drift_share = kDefaultDriftShare;
    double duplicate_share = 0;
    double near_duplicate_share = 0;
    bool normalize = false;
    ElementType element_type = ElementType::kFloat32;
    Metric metric = Metric::kL2;  // of the report
};

// Rows that were normalised have the length 1, or what suits the scale of integers.
void normalize(ElementType type, std::span<float> values) {
    double square = 0;
    for (const float value : values)
        square += double{value} * double{value};
    if (square == 0) return;
    const bool integers = type == ElementType::kUint8 || type == ElementType::kInt8;
    const double length = integers ? std::sqrt(static_cast<double>(values.size())) : 1;
    for (float& value : values)
        value = static_cast<float>(double{value} * (length / std::sqrt(square)));
}

// Integer types take the values scaled and rounded into their range.
void fit_to_type(ElementType type, std::span<float> values) {
    constexpr float kScale = 24;
    if (type != ElementType::kUint8 && type != ElementType::kInt8) return;
    const float shift = type == ElementType::kUint8 ? 128 : 0;
    for (float& value : values)
        value = std::clamp(std::round(value * kScale) + shift, shift - 128, shift + 127);
}

// One file. Its first rows come from the stream that the four files of every data set share in
// turn, further ones from a stream of its own: so neither the size of the workload nor the files
// that --zipf adds change the bytes of another file. Copies replace rows that are drawn all the
// same, so they change neither the other rows nor other files.
struct Part {
    std::string name;
    std::uint64_t rows;
    std::uint64_t shared_rows;
    bool outside;
    const Topics* topics;
    RowCopies* copies = nullptr;
};

std::string extension_of(ElementType type) {
    switch (type) {
        case ElementType::kFloat16:
            return ".f16bin";
        case ElementType::kUint8:
            return ".u8bin";
        case ElementType::kInt8:
            return ".i8bin";
        case ElementType::kFloat32:
            break;
    }
    return ".fbin";
}

// Writes the files of a data set one after another.
class DatasetWriter {
public:
    DatasetWriter(const DatasetOptions& options, bool print, const std::stop_token& stop)
        : options_(options),
          print_(print),
          stop_(stop),
          family_(make_family(options.family)),
          shared_(options.family.seed + 1),
          seeds_(options.family.seed + 2) {}

    Status write_all() {
        const Topics uniform(options_.family.clusters);
        const Topics topics(options_.family.clusters, options_.zipf, seeds_());
        const std::uint64_t drift_seed = seeds_();
        const std::uint64_t queries = options_.queries;
        const std::uint64_t asked = options_.workload_queries;
        const std::uint64_t workload = asked > 0 ? asked : queries;
        // Not of seeds_: that would move the streams of the files.
        RowCopies copies(options_.vectors, options_.duplicate_share, options_.near_duplicate_share,
                         options_.family.seed + 3);
        const std::uint64_t vectors = options_.vectors;
        TRACKWAY_TRY(write({"base", vectors, vectors, false, &uniform, &copies}));
        TRACKWAY_TRY(write({"learn", workload, queries, true, &topics}));
        TRACKWAY_TRY(write({"query", queries, queries, true, &topics}));
        TRACKWAY_TRY(write({"query-indist", queries, queries, false, &topics}));
        if (options_.zipf == 0) return {};
        TRACKWAY_TRY(write({"learn-indist", workload, 0, false, &topics}));
        if (options_.drift_steps > 1) return write_steps(topics, workload, drift_seed);
        const Topics drifted(options_.family.clusters, options_.zipf, drift_seed);
        TRACKWAY_TRY(write({"learn-drift", workload, 0, false, &drifted}));
        return write({"query-drift", queries, 0, false, &drifted});
    }

    std::string path_of(const std::string& name) const {
        return options_.output + "/" + name + extension_of(options_.element_type);
    }

private:
    Status write_steps(Topics topics, std::uint64_t workload, std::uint64_t seed) {
        base::Random random(seed);
        for (std::uint32_t step = 1; step <= options_.drift_steps; ++step) {
            topics = topics.drifted(options_.drift_share, random);
            TRACKWAY_TRY(write({join("learn-drift-", step), workload, 0, false, &topics}));
            TRACKWAY_TRY(write({join("query-drift-", step), options_.queries, 0, false, &topics}));
        }
        return {};
    }

    Status write(const Part& part) {
        const std::string path = path_of(part.name);
        const std::uint32_t dimension = options_.family.dimension;
        TRACKWAY_TRY_ASSIGN(
            file, VectorFileWriter::create(path, options_.element_type, part.rows, dimension));
        base::Random own(seeds_());
        std::vector<float> row(dimension);
        std::vector<std::byte> converted;
        for (std::uint64_t i = 0; i < std::max(part.rows, part.shared_rows); ++i) {
            if (stop_.stop_requested()) return fail(ErrorCode::kCancelled, "stopped");
            draw(part, i < part.shared_rows ? shared_ : own, row);
            if (i >= part.rows) continue;  // only moves the shared stream on
            if (options_.normalize) normalize(options_.element_type, row);
            fit_to_type(options_.element_type, row);
            convert_elements(std::as_bytes(std::span(row)), ElementType::kFloat32,
                             options_.element_type, converted);
            TRACKWAY_TRY(file.append(converted));
        }
        TRACKWAY_TRY(file.finish());
        if (!print_) return {};
        std::printf("%s: %llu x %u %s\n", path.c_str(), static_cast<unsigned long long>(part.rows),
                    dimension, name_of(options_.element_type));
        return {};
    }

    void draw(const Part& part, base::Random& random, std::span<float> row) const {
        constexpr double kNearCopy = 0.02;  // what a near copy differs by in each element
        const base::Random before = random;
        family_->draw(random, part.topics->draw(random), part.outside, row);
        if (part.copies == nullptr) return;
        auto copy = part.copies->next(before);
        if (!copy) return;
        family_->draw(copy->source, part.topics->draw(copy->source), part.outside, row);
        if (copy->is_exact) return;
        for (float& value : row)
            value += static_cast<float>(kNearCopy * part.copies->noise().normal());
    }

    const DatasetOptions& options_;
    bool print_;
    std::stop_token stop_;
    std::unique_ptr<Family> family_;
    base::Random shared_;
    base::Random seeds_;
};

Result<VectorStatistics> make_dataset(const DatasetOptions& options, Program& program,
                                      const std::stop_token& stop) {
    program.set_may_leave(true);  // many clusters take seconds to draw
    DatasetWriter writer(options, program.flags().json != "-", stop);
    program.set_may_leave(false);
    if (mkdir(options.output.c_str(), 0777) != 0 && errno != EEXIST) {
        return fail(ErrorCode::kIo,
                    options.output + ": cannot create: " + std::system_category().message(errno));
    }
    TRACKWAY_TRY(writer.write_all());
    return describe_vectors(writer.path_of("base"),
                            {writer.path_of("query"), writer.path_of("query-indist")},
                            {.metric = options.metric, .seed = options.family.seed}, stop);
}

// CLI::Range would let NaN pass.
std::string wrong_number(const std::string& text, double largest, const char* expected) {
    double value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
    if (whole && value >= 0 && value <= largest) return {};
    return join("expected a number ", expected, ", found '", text, "'");
}

// Distances within which every element type still tells rows apart.
std::string not_a_distance(const std::string& text) {
    return wrong_number(text, 100, "from 0 to 100");
}

std::string not_positive(const std::string& text) {
    return wrong_number(text, std::numeric_limits<double>::max(), "of 0 or more");
}

std::string not_a_share(const std::string& text) {
    return wrong_number(text, 1, "from 0 to 1");
}

// What no single option can tell; empty when all is well.
std::string contradiction(const DatasetOptions& options) {
    const FamilyOptions& family = options.family;
    if (family.kind != FamilyKind::kCrossModal && family.modality_gap != kDefaultModalityGap) {
        return "--modality-gap needs --family cross-modal";
    }
    if (options.drift_steps > 1 && options.zipf == 0) {
        return "--drift-steps needs topics that --zipf makes popular, found --zipf 0";
    }
    if (options.drift_steps == 1 && options.drift_share != kDefaultDriftShare) {
        return "--drift-share needs --drift-steps of 2 or more, found 1";
    }
    if (options.duplicate_share + options.near_duplicate_share > 1) {
        return "--duplicate-share and --near-duplicate-share: expected 1 at most together";
    }
    return {};
}

const std::map<std::string, FamilyKind>& family_names() {
    static const std::map<std::string, FamilyKind> names = {
        {"clustered", FamilyKind::kClustered}, {"cross-modal", FamilyKind::kCrossModal}};
    return names;
}

void add_family_options(CLI::App& app, FamilyOptions& family) {
    const auto dimension = within(1U, kMaxDimension);
    add_choice(
        app, "--family", family.kind, family_names(),
        "clustered: clusters in a subspace; cross-modal: data and queries are two modalities "
        "of the same things, as images and texts");
    app.add_option("--dimension", family.dimension, "dimension")->check(dimension);
    app.add_option("--clusters", family.clusters, "clusters")
        ->check(within(std::uint64_t{1}, std::uint64_t{UINT32_MAX}));
    app.add_option("--intrinsic-dimension", family.intrinsic_dimension,
                   "dimension of the subspace that clusters lie in")
        ->check(dimension);
    app.add_option("--topic-spread", family.topic_spread,
                   "how far the centres of clusters lie apart, in units of a cluster's radius")
        ->check(not_a_distance);
    app.add_option("--modality-gap", family.modality_gap,
                   "cross-modal: how far queries lie from the data; 0: like the data")
        ->check(not_a_distance);
    app.add_option("--seed", family.seed, "same options and seed: same files");
}

void add_options(CLI::App& app, DatasetOptions& options) {
    constexpr std::uint64_t kRowsMax = UINT32_MAX;
    const auto positive = within(std::uint64_t{1}, kRowsMax);
    app.add_option("--output", options.output, "folder for the files")
        ->type_name("DIR")
        ->required();
    app.add_option("--vectors", options.vectors, "base vectors")->check(positive);
    app.add_option("--queries", options.queries, "queries of each kind")->check(positive);
    app.add_option("--workload-queries", options.workload_queries,
                   "rows of each learn file; 0: as many as --queries")
        ->check(within(std::uint64_t{0}, kRowsMax));
    add_family_options(app, options.family);
    app.add_option("--zipf", options.zipf,
                   "queries and workloads come from the r-th most wanted cluster as often as "
                   "1 / r^zipf; 0: from all equally often. Base vectors always do")
        ->check(not_positive);
    app.add_option("--drift-steps", options.drift_steps,
                   "1: one other day, on which nothing is wanted as before; more: so many days, "
                   "one after the other, learn-drift-1, query-drift-1 and so on")
        ->check(within(1U, 10000U));
    app.add_option("--drift-share", options.drift_share,
                   "share of the clusters that exchange their popularity from one such day to the "
                   "next")
        ->check(not_a_share);
    app.add_option("--duplicate-share", options.duplicate_share,
                   "share of the base that are exact copies of earlier rows")
        ->check(not_a_share);
    app.add_option("--near-duplicate-share", options.near_duplicate_share,
                   "share of the base that are nearly copies of earlier rows")
        ->check(not_a_share);
    app.add_flag("--normalize", options.normalize, "scale all rows to one length, 1 for floats");
    add_choice(app, "--element-type", options.element_type, element_type_names(), "of all files");
    add_choice(app, "--metric", options.metric, metric_names(), "of the report alone");
}

}  // namespace

static int run_program(int argc, char** argv) {
    Program program("make-dataset",
                    "Makes base vectors, out-of-distribution queries (query), a workload "
                    "like them (learn) and queries like the base (query-indist). With --zipf also "
                    "a workload like the base (learn-indist) and, for a day when other clusters "
                    "are wanted most, learn-drift and query-drift, both like the base. Ends with "
                    "the report of describe-vectors.",
                    "make-dataset --output data --vectors 100000 --dimension 128");
    DatasetOptions options;
    add_options(program.app(), options);
    program.add_json_option();
    program.app().final_callback([&] {
        const std::string wrong = contradiction(options);
        if (!wrong.empty()) throw CLI::ValidationError(wrong);
    });
    return program.run(argc, argv, [&](const std::stop_token& stop) -> Status {
        TRACKWAY_TRY_ASSIGN(statistics, make_dataset(options, program, stop));
        if (program.flags().json != "-") print_statistics(statistics);
        return program.write_report(statistics_text(statistics));
    });
}

}  // namespace trackway::tools

int main(int argc, char** argv) {
    return trackway::tools::run_program(argc, argv);
}
