// make-dataset: seeded synthetic vectors with queries from the same and from another distribution.
#include "trackway/vector_file.h"

#include "base/random.h"
#include "element_conversion.h"
#include "program.h"

#include <algorithm>
#include <cerrno>
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
    std::uint32_t dimension = 128;
    std::uint32_t clusters = 100;
    std::uint32_t intrinsic_dimension = 16;
    ElementType element_type = ElementType::kFloat32;
    std::uint64_t seed = 1;
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
        centres_ = draw(std::size_t{options.clusters} * intrinsic_, kCentreSpread);
        gap_ = draw(dimension_, kGap);
    }

    void draw(base::Random& random, bool outside, std::span<float> out) const {
        const std::size_t clusters = centres_.size() / intrinsic_;
        const float* centre = centres_.data() + random.below(clusters) * intrinsic_;
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
    static constexpr double kCentreSpread = 1.0;
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

struct Part {
    const char* name;
    std::uint64_t rows;
    bool outside;
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

Status write_part(const Family& family, const DatasetOptions& options, const Part& part,
                  base::Random& random, const std::stop_token& stop) {
    const std::string path = options.output + "/" + part.name + extension_of(options.element_type);
    auto file = VectorFileWriter::create(path, options.element_type, part.rows, options.dimension);
    if (!file) return tl::unexpected(file.error());
    std::vector<float> row(options.dimension);
    std::vector<std::byte> converted;
    for (std::uint64_t i = 0; i < part.rows; ++i) {
        if (stop.stop_requested()) {
            return tl::unexpected(Error{ErrorCode::kCancelled, "stopped"});
        }
        family.draw(random, part.outside, row);
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
    base::Random random(options.seed + 1);
    const Part parts[] = {{"base", options.vectors, false},
                          {"learn", options.queries, true},
                          {"query", options.queries, true},
                          {"query-indist", options.queries, false}};
    for (const Part& part : parts) {
        if (Status status = write_part(family, options, part, random, stop); !status) {
            return status;
        }
    }
    return {};
}

}  // namespace

static int run_program(int argc, char** argv) {
    Program program("make-dataset",
                    "Makes base vectors, out-of-distribution queries (query), a workload "
                    "like them (learn) and queries like the base (query-indist).");
    DatasetOptions options;
    CLI::App& app = program.app();
    const auto positive = CLI::Range(std::uint64_t{1}, std::uint64_t{UINT32_MAX});
    const auto dimension = CLI::Range(1U, kMaxDimension);
    app.add_option("--output", options.output, "folder for the files")
        ->type_name("DIR")
        ->required();
    app.add_option("--vectors", options.vectors, "base vectors")->check(positive);
    app.add_option("--queries", options.queries, "queries of each kind")->check(positive);
    app.add_option("--dimension", options.dimension, "dimension")->check(dimension);
    app.add_option("--clusters", options.clusters, "clusters")->check(positive);
    app.add_option("--intrinsic-dimension", options.intrinsic_dimension,
                   "dimension of the subspace that clusters lie in")
        ->check(dimension);
    add_choice(app, "--element-type", options.element_type, element_type_names(), "of all files");
    app.add_option("--seed", options.seed, "same options and seed: same files");
    return program.run(argc, argv,
                       [&](const std::stop_token& stop) { return make_dataset(options, stop); });
}

}  // namespace trackway::tools

int main(int argc, char** argv) {
    return trackway::tools::run_program(argc, argv);
}
