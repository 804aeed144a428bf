// make-dataset: seeded synthetic vectors with queries from the same and from another distribution.
#include "trackway/vector_file.h"

#include "base/assert.h"
#include "base/random.h"
#include "element_conversion.h"
#include "program.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <vector>

namespace trackway::tools {
namespace {

struct DatasetOptions {
    std::string output;
    std::uint64_t vectors = 100000;
    std::uint64_t queries = 1000;
    std::uint64_t workload_queries = 0;  // as many as queries
    std::uint32_t dimension = 128;
    std::uint32_t clusters = 100;
    std::uint32_t intrinsic_dimension = 16;
    double topic_spread = 1.0;  // of the clusters' centres, in units of their radius
    double zipf = 0;
    ElementType element_type = ElementType::kFloat32;
    std::uint64_t seed = 1;
};

// Which cluster a row is drawn from, its topic. Either all are equally likely, or the likelihood
// falls with the place in a ranking by Zipf's law: people ask for few things often.
class Topics {
public:
    explicit Topics(std::uint32_t clusters) : clusters_(clusters) {}

    // The topic in place r of a seeded random ranking is as likely as 1 / r^exponent; an exponent
    // of 0 leaves all equally likely.
    Topics(std::uint32_t clusters, double exponent, std::uint64_t seed) : clusters_(clusters) {
        if (exponent == 0) return;
        base::Random random(seed);
        ranking_ = base::random_permutation(clusters, random);
        cumulative_.reserve(clusters);
        double sum = 0;
        for (std::uint64_t place = 1; place <= clusters; ++place) {
            sum += std::pow(static_cast<double>(place), -exponent);
            cumulative_.push_back(sum);
        }
    }

    std::size_t draw(base::Random& random) const {
        if (cumulative_.empty()) return random.below(clusters_);
        // Below the last sum even when the product is rounded, since uniform() < 1.
        const double value = random.uniform() * cumulative_.back();
        const auto found = std::upper_bound(cumulative_.begin(), cumulative_.end(), value);
        TRACKWAY_ASSERT(found != cumulative_.end());
        return ranking_[static_cast<std::size_t>(found - cumulative_.begin())];
    }

private:
    std::uint32_t clusters_;
    std::vector<std::uint32_t> ranking_;
    std::vector<double> cumulative_;  // by place; empty when all topics are equally likely
};

// Clusters that share one random subspace of the intrinsic dimension, each around its own centre,
// with a little noise in all directions. Queries from outside keep less of the subspace's signal,
// move off along one fixed direction and carry more noise: like texts that ask for images.
class Family {
public:
    explicit Family(const DatasetOptions& options)
        : dimension_(options.dimension), intrinsic_(options.intrinsic_dimension) {
        base::Random random(options.seed);
        const auto draw = [&](std::size_t count, double scale) {
            std::vector<float> values(count);
            for (float& value : values)
                value = static_cast<float>(random.normal() * scale);
            return values;
        };
        const double unit = 1 / std::sqrt(double{static_cast<double>(intrinsic_)});
        basis_ = draw(std::size_t{intrinsic_} * dimension_, unit);
        centres_ = draw(std::size_t{options.clusters} * intrinsic_, options.topic_spread);
        gap_ = draw(dimension_, kGap);
    }

    void draw(base::Random& random, std::size_t topic, bool outside, std::span<float> out) const {
        const float* centre = centres_.data() + topic * intrinsic_;
        const double noise = outside ? kOutsideNoise : kNoise;
        const double signal = outside ? kOutsideSignal : 1;
        for (std::uint32_t d = 0; d < dimension_; ++d)
            out[d] = static_cast<float>(noise * random.normal()) + (outside ? gap_[d] : 0);
        for (std::uint32_t i = 0; i < intrinsic_; ++i) {
            const auto weight = static_cast<float>(signal * (double{centre[i]} + random.normal()));
            const float* direction = basis_.data() + std::size_t{i} * dimension_;
            for (std::uint32_t d = 0; d < dimension_; ++d)
                out[d] += weight * direction[d];
        }
    }

private:
    static constexpr double kNoise = 0.05;
    static constexpr double kGap = 0.3;
    static constexpr double kOutsideNoise = 0.25;
    static constexpr double kOutsideSignal = 0.8;

    std::uint32_t dimension_;
    std::uint32_t intrinsic_;
    std::vector<float> basis_;
    std::vector<float> centres_;
    std::vector<float> gap_;
};

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
// that --zipf adds change the bytes of another file.
struct Part {
    const char* name;
    std::uint64_t rows;
    std::uint64_t shared_rows;
    bool outside;
    const Topics* topics;
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

// The two streams that the rows of a file may come from.
struct Streams {
    base::Random& shared;
    base::Random own;
};

Status write_part(const Family& family, const DatasetOptions& options, const Part& part,
                  Streams streams, const std::stop_token& stop) {
    const std::string path = options.output + "/" + part.name + extension_of(options.element_type);
    auto file = VectorFileWriter::create(path, options.element_type, part.rows, options.dimension);
    if (!file) return tl::unexpected(file.error());
    std::vector<float> row(options.dimension);
    std::vector<std::byte> converted;
    for (std::uint64_t i = 0; i < std::max(part.rows, part.shared_rows); ++i) {
        if (stop.stop_requested()) {
            return tl::unexpected(Error{ErrorCode::kCancelled, "stopped"});
        }
        base::Random& random = i < part.shared_rows ? streams.shared : streams.own;
        const std::size_t topic = part.topics->draw(random);
        family.draw(random, topic, part.outside, row);
        if (i >= part.rows) continue;  // only moves the shared stream on
        fit_to_type(options.element_type, row);
        convert_elements(std::as_bytes(std::span(row)), ElementType::kFloat32, options.element_type,
                         converted);
        if (Status status = file->append(converted); !status) return status;
    }
    if (Status status = file->finish(); !status) return status;
    std::printf("%s: %llu x %u %s\n", path.c_str(), static_cast<unsigned long long>(part.rows),
                options.dimension, name_of(options.element_type));
    return {};
}

Status make_dataset(const DatasetOptions& options, const std::stop_token& stop) {
    if (mkdir(options.output.c_str(), 0777) != 0 && errno != EEXIST) {
        return tl::unexpected(Error{ErrorCode::kIo, options.output + ": cannot create: " +
                                                        std::system_category().message(errno)});
    }
    const Family family(options);
    base::Random shared(options.seed + 1);
    base::Random seeds(options.seed + 2);
    const Topics uniform(options.clusters);
    const Topics topics(options.clusters, options.zipf, seeds());
    const Topics drifted(options.clusters, options.zipf, seeds());
    const std::uint64_t queries = options.queries;
    const std::uint64_t asked = options.workload_queries;
    const std::uint64_t workload = asked > 0 ? asked : queries;
    std::vector<Part> parts = {{"base", options.vectors, options.vectors, false, &uniform},
                               {"learn", workload, queries, true, &topics},
                               {"query", queries, queries, true, &topics},
                               {"query-indist", queries, queries, false, &topics}};
    if (options.zipf > 0) {
        parts.insert(parts.end(), {{"learn-indist", workload, 0, false, &topics},
                                   {"learn-drift", workload, 0, false, &drifted},
                                   {"query-drift", queries, 0, false, &drifted}});
    }
    for (const Part& part : parts) {
        const Streams streams{shared, base::Random(seeds())};
        if (Status status = write_part(family, options, part, streams, stop); !status) {
            return status;
        }
    }
    return {};
}

// CLI::Range would let NaN pass.
std::string not_an_exponent(const std::string& text) {
    double value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
    if (whole && std::isfinite(value) && value >= 0) return {};
    return "expected a number of 0 or more, found '" + text + "'";
}

void add_options(CLI::App& app, DatasetOptions& options) {
    constexpr std::uint64_t kRowsMax = UINT32_MAX;
    const auto positive = CLI::Range(std::uint64_t{1}, kRowsMax);
    const auto dimension = CLI::Range(1U, kMaxDimension);
    app.add_option("--output", options.output, "folder for the files")
        ->type_name("DIR")
        ->required();
    app.add_option("--vectors", options.vectors, "base vectors")->check(positive);
    app.add_option("--queries", options.queries, "queries of each kind")->check(positive);
    app.add_option("--workload-queries", options.workload_queries,
                   "rows of each learn file; 0: as many as --queries")
        ->check(CLI::Range(std::uint64_t{0}, kRowsMax));
    app.add_option("--dimension", options.dimension, "dimension")->check(dimension);
    app.add_option("--clusters", options.clusters, "clusters")->check(positive);
    app.add_option("--intrinsic-dimension", options.intrinsic_dimension,
                   "dimension of the subspace that clusters lie in")
        ->check(dimension);
    app.add_option("--topic-spread", options.topic_spread,
                   "how far the centres of clusters lie apart, in units of a cluster's radius")
        ->check(CLI::Range(0.0, 100.0));
    app.add_option("--zipf", options.zipf,
                   "queries and workloads come from the r-th most wanted cluster as often as "
                   "1 / r^zipf; 0: from all equally often. Base vectors always do")
        ->check(not_an_exponent);
    add_choice(app, "--element-type", options.element_type, element_type_names(), "of all files");
    app.add_option("--seed", options.seed, "same options and seed: same files");
}

}  // namespace

static int run_program(int argc, char** argv) {
    Program program("make-dataset",
                    "Makes base vectors, out-of-distribution queries (query), a workload "
                    "like them (learn) and queries like the base (query-indist). With --zipf also "
                    "a workload like the base (learn-indist) and, for a day when other clusters "
                    "are wanted most, learn-drift and query-drift, both like the base.");
    DatasetOptions options;
    add_options(program.app(), options);
    return program.run(argc, argv,
                       [&](const std::stop_token& stop) { return make_dataset(options, stop); });
}

}  // namespace trackway::tools

int main(int argc, char** argv) {
    return trackway::tools::run_program(argc, argv);
}
