// What kind of data a vector file holds: how many dimensions it really has, how far apart near and
// far rows are, how many rows are copies, and how far queries lie from it.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <vector>

namespace trackway::tools {

struct StatisticsOptions {
    // Distances are Euclidean; those of cosine and of inner products (which are no distances) are
    // of rows scaled to length 1.
    Metric metric = Metric::kL2;
    // Rows of each file whose nearest are found; 0: up to 1,000, fewer of a large file.
    std::uint64_t sample = 0;
    std::uint32_t thread_count = 0;  // 0: all cores
    std::uint64_t seed = 1;
};

// How many nearest rows the intrinsic dimension is estimated from, where there are so many.
constexpr std::uint32_t kNearestRows = 20;

// Of the sampled rows of one file, to rows of the data. What cannot be told is absent.
struct FileStatistics {
    std::filesystem::path path;
    std::uint64_t rows = 0;
    std::uint64_t sampled = 0;
    double copies_share = 0;  // of rows that equal another one before them; estimated where many
    std::optional<double> nearest_median;
    std::optional<double> nearest_mean;
    std::optional<double> mean;          // to any row
    std::optional<double> contrast;      // mean / nearest_mean
    std::optional<double> times_as_far;  // nearest_median / that of the data's own rows
    std::optional<double> intrinsic_dimension;
};

struct VectorStatistics {
    std::uint32_t dimension = 0;
    ElementType element_type = ElementType::kFloat32;
    Metric metric = Metric::kL2;
    // Its rows are held out: the nearest of each is another row, and no copy of it.
    FileStatistics data;
    std::vector<FileStatistics> queries;
};

// The same files and options give the same numbers, for any number of threads.
Result<VectorStatistics> describe_vectors(const std::filesystem::path& vectors,
                                          const std::vector<std::filesystem::path>& queries,
                                          const StatisticsOptions& options,
                                          const std::stop_token& stop = {});

}  // namespace trackway::tools
