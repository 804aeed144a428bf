#include "vector_statistics.h"

#include "trackway/exact_search.h"
#include "trackway/vector_file.h"

#include "base/aligned_buffer.h"
#include "base/checksum.h"
#include "base/errors.h"
#include "base/random.h"
#include "element_conversion.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <span>
#include <utility>

namespace trackway::tools {
namespace {

using base::fail;
using base::join;

constexpr std::uint64_t kSampleMax = 1000;
constexpr std::uint64_t kSampleMin = 50;
// Numbers compared for each file: some seconds of work on a few cores.
constexpr double kComparisonsMax = 4e10;
constexpr std::uint64_t kHashesMax = std::uint64_t{1} << 23U;
constexpr std::size_t kBlockBytes = std::size_t{8} << 20U;
// Under cosine the distance of a copy may be that of numbers scaled and rounded.
constexpr double kCopyDistance = 1e-12;

// Row-major floats, scaled to length 1 unless the metric is L2.
struct Sample {
    std::vector<std::uint64_t> ids;
    base::AlignedBuffer rows;
    std::vector<float> values;
};

std::uint64_t sample_size(const VectorFile& data, const VectorFile& file,
                          const StatisticsOptions& options) {
    if (options.sample > 0) return std::min(options.sample, file.row_count());
    const double each = static_cast<double>(data.row_count()) * data.dimension();
    const double affordable = std::min(kComparisonsMax / each, double{kSampleMax});
    return std::min(std::max(static_cast<std::uint64_t>(affordable), kSampleMin), file.row_count());
}

// One row of each of `count` parts of the file that are as large as one another.
std::vector<std::uint64_t> drawn_rows(std::uint64_t rows, std::uint64_t count, std::uint64_t seed) {
    base::Random random(seed);
    std::vector<std::uint64_t> ids;
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t share = rows / count;
        const std::uint64_t longer = rows % count;  // parts with one row more come first
        const std::uint64_t first = i * share + std::min(i, longer);
        ids.push_back(first + random.below(share + (i < longer ? 1 : 0)));
    }
    return ids;
}

void scale_to_length_1(std::span<float> row) {
    double square = 0;
    for (const float value : row)
        square += double{value} * double{value};
    if (square == 0) return;
    for (float& value : row)
        value = static_cast<float>(double{value} / std::sqrt(square));
}

Result<Sample> drawn_sample(const VectorFile& file, std::uint64_t count,
                            const StatisticsOptions& options) {
    const std::size_t row_bytes = file.row_bytes();
    Sample sample;
    sample.ids = drawn_rows(file.row_count(), count, options.seed);
    sample.rows = base::AlignedBuffer(count * row_bytes);
    for (std::uint64_t i = 0; i < count; ++i)
        TRACKWAY_TRY(
            file.read(sample.ids[i], sample.rows.span().subspan(i * row_bytes, row_bytes)));
    std::vector<std::byte> converted;
    convert_elements(sample.rows.span(), file.element_type(), ElementType::kFloat32, converted);
    sample.values.resize(count * file.dimension());
    std::memcpy(sample.values.data(), converted.data(), converted.size());
    if (options.metric == Metric::kL2) return sample;
    for (std::uint64_t i = 0; i < count; ++i) {
        scale_to_length_1(std::span(sample.values).subspan(i * file.dimension(), file.dimension()));
    }
    return sample;
}

// Reads the whole file, which also finds NaN. Of a large one, only copies of rows whose hash is a
// multiple of a power of two are counted, which is a sample of what differs.
Result<double> share_of_copies(const VectorFile& file, const std::stop_token& stop) {
    std::uint64_t mask = 0;
    while (file.row_count() / (mask + 1) > kHashesMax)
        mask = mask * 2 + 1;
    std::vector<std::uint64_t> hashes;
    const std::uint64_t step = std::max<std::uint64_t>(1, kBlockBytes / file.row_bytes());
    std::vector<std::byte> block;
    for (std::uint64_t first = 0; first < file.row_count(); first += step) {
        if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "stopped");
        block.resize(std::min(step, file.row_count() - first) * file.row_bytes());
        TRACKWAY_TRY(file.read(first, block));
        for (std::size_t at = 0; at < block.size(); at += file.row_bytes()) {
            const auto hash = base::checksum64(std::span(block).subspan(at, file.row_bytes()));
            if ((hash & mask) == 0) hashes.push_back(hash);
        }
    }
    if (hashes.empty()) return 0.0;
    std::sort(hashes.begin(), hashes.end());
    const auto distinct = std::unique(hashes.begin(), hashes.end()) - hashes.begin();
    return 1 - static_cast<double>(distinct) / static_cast<double>(hashes.size());
}

// Euclidean distances of each sampled row to its nearest, in ascending order.
using Nearest = std::vector<std::vector<double>>;

Result<Nearest> nearest_of(const VectorFile& data, const Sample& sample, bool held_out,
                           const StatisticsOptions& options, const std::stop_token& stop) {
    const bool is_l2 = options.metric == Metric::kL2;
    const auto k = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(kNearestRows + (held_out ? 1 : 0), data.row_count()));
    const MatrixView rows{sample.rows.data(), data.element_type(), sample.ids.size(),
                          data.dimension()};
    const ExactSearchOptions search{.metric = is_l2 ? Metric::kL2 : Metric::kCosine,
                                    .k = k,
                                    .thread_count = options.thread_count};
    TRACKWAY_TRY_ASSIGN(truth, exact_search(data, rows, search, stop));
    Nearest nearest(sample.ids.size());
    for (std::size_t i = 0; i < nearest.size(); ++i) {
        for (std::size_t at = i * k; at < (i + 1) * k; ++at) {
            const double distance = truth.distances[at];
            const bool same = truth.ids[at] == sample.ids[i];
            const bool copy = same || distance <= (is_l2 ? 0 : kCopyDistance);
            if (held_out && copy) continue;
            if (nearest[i].size() == kNearestRows) break;
            // The squared distance of rows of length 1 is twice their cosine distance.
            nearest[i].push_back(std::sqrt(std::max(0.0, is_l2 ? distance : 2 * distance)));
        }
    }
    return nearest;
}

std::optional<double> mean_of(const std::vector<double>& values) {
    if (values.empty()) return std::nullopt;
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::optional<double> quotient(std::optional<double> a, std::optional<double> b) {
    if (!a || !b || *b == 0) return std::nullopt;
    return *a / *b;
}

std::optional<double> median_of(std::vector<double> values) {
    if (values.empty()) return std::nullopt;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (!std::isfinite(*middle)) return std::nullopt;
    return *middle;
}

// The median of the rows' maximum-likelihood estimates (Levina and Bickel, 2004): with n nearest
// rows, n - 2 over the sum of log(farthest / nearer). A median, since where nearest rows are
// equally far, as integers can be, the estimate is infinite.
std::optional<double> intrinsic_dimension(const Nearest& nearest) {
    std::vector<double> estimates;
    for (const std::vector<double>& distances : nearest) {
        const auto first = std::find_if(distances.begin(), distances.end(),
                                        [](double distance) { return distance > 0; });
        const auto count = distances.end() - first;
        if (count < 3) continue;
        double sum = 0;
        for (auto at = first; at + 1 != distances.end(); ++at)
            sum += std::log(distances.back() / *at);
        estimates.push_back(static_cast<double>(count - 2) / sum);
    }
    return median_of(std::move(estimates));
}

bool is_zero(std::span<const float> row) {
    return std::all_of(row.begin(), row.end(), [](float value) { return value == 0; });
}

// From each row of `from` to rows of `to` other than itself; a few hundred of either are enough.
// Zeros, which have no direction, are at cosine distance 1 from everything.
std::optional<double> mean_distance(const Sample& from, const Sample& to, std::uint32_t dimension,
                                    Metric metric) {
    constexpr std::size_t kRowsMax = 300;
    const auto row_of = [&](const Sample& sample, std::size_t i, std::size_t rows) {
        const std::size_t place = i * sample.ids.size() / rows;  // spread over the sample
        return std::span(sample.values).subspan(place * dimension, dimension);
    };
    const std::size_t from_rows = std::min(kRowsMax, from.ids.size());
    const std::size_t to_rows = std::min(kRowsMax, to.ids.size());
    std::vector<double> distances;
    for (std::size_t i = 0; i < from_rows; ++i) {
        const auto a = row_of(from, i, from_rows);
        for (std::size_t j = 0; j < to_rows; ++j) {
            const auto b = row_of(to, j, to_rows);
            if (a.data() == b.data()) continue;
            if (metric != Metric::kL2 && (is_zero(a) || is_zero(b))) {
                distances.push_back(std::sqrt(2.0));
                continue;
            }
            double square = 0;
            for (std::size_t d = 0; d < dimension; ++d)
                square += (double{a[d]} - double{b[d]}) * (double{a[d]} - double{b[d]});
            distances.push_back(std::sqrt(square));
        }
    }
    return mean_of(distances);
}

// The data and a sample of it, which every other sample is compared with.
struct Data {
    const VectorFile& file;
    const Sample& sample;
};

Result<FileStatistics> described(const VectorFile& file, const Sample& sample, const Data& data,
                                 const StatisticsOptions& options, const std::stop_token& stop) {
    FileStatistics statistics;
    statistics.path = file.path();
    statistics.rows = file.row_count();
    statistics.sampled = sample.ids.size();
    TRACKWAY_TRY_ASSIGN(copies, share_of_copies(file, stop));
    statistics.copies_share = copies;
    const bool held_out = &sample == &data.sample;
    TRACKWAY_TRY_ASSIGN(nearest, nearest_of(data.file, sample, held_out, options, stop));
    std::vector<double> distances;
    for (const std::vector<double>& list : nearest) {
        if (!list.empty()) distances.push_back(list.front());
    }
    statistics.nearest_mean = mean_of(distances);
    statistics.nearest_median = median_of(std::move(distances));
    statistics.mean = mean_distance(sample, data.sample, file.dimension(), options.metric);
    statistics.contrast = quotient(statistics.mean, statistics.nearest_mean);
    statistics.intrinsic_dimension = intrinsic_dimension(nearest);
    return statistics;
}

Status check_shape(const VectorFile& data, const VectorFile& queries) {
    const auto shape = [](const VectorFile& file) {
        return join("rows of ", file.dimension(), " ", name_of(file.element_type()));
    };
    if (shape(data) == shape(queries)) return {};
    return fail(ErrorCode::kInvalidArgument,
                join(queries.path().string(), ": expected ", shape(data), " as in ",
                     data.path().string(), ", found ", shape(queries)));
}

}  // namespace

Result<VectorStatistics> describe_vectors(const std::filesystem::path& vectors,
                                          const std::vector<std::filesystem::path>& queries,
                                          const StatisticsOptions& options,
                                          const std::stop_token& stop) {
    TRACKWAY_TRY_ASSIGN(data, VectorFile::open(vectors));
    std::vector<VectorFile> query_files;
    for (const std::filesystem::path& path : queries) {
        TRACKWAY_TRY_ASSIGN(file, VectorFile::open(path));
        TRACKWAY_TRY(check_shape(data, file));
        query_files.push_back(std::move(file));
    }
    VectorStatistics statistics;
    statistics.dimension = data.dimension();
    statistics.element_type = data.element_type();
    statistics.metric = options.metric;
    TRACKWAY_TRY_ASSIGN(sample, drawn_sample(data, sample_size(data, data, options), options));
    const Data compared{data, sample};
    TRACKWAY_TRY_ASSIGN(own, described(data, sample, compared, options, stop));
    own.times_as_far = quotient(own.nearest_median, own.nearest_median);
    statistics.data = std::move(own);
    for (const VectorFile& file : query_files) {
        TRACKWAY_TRY_ASSIGN(asked, drawn_sample(file, sample_size(data, file, options), options));
        TRACKWAY_TRY_ASSIGN(found, described(file, asked, compared, options, stop));
        found.times_as_far = quotient(found.nearest_median, statistics.data.nearest_median);
        statistics.queries.push_back(std::move(found));
    }
    return statistics;
}

}  // namespace trackway::tools
