// Exact nearest neighbours by comparing each query with every vector: ground truth.
#pragma once

#include "trackway/result.h"
#include "trackway/vector_file.h"

#include <cstdint>
#include <stop_token>

namespace trackway {

struct ExactSearchOptions {
    Metric metric = Metric::kL2;
    std::uint32_t k = 100;
    std::uint32_t thread_count = 0;  // 0: all cores
};

// Streams the vectors once; memory is one block of them, the queries, and the answers. Ties go to
// the smaller row. Distances as in Neighbor.
Result<GroundTruth> exact_search(const VectorFile& vectors, const VectorFile& queries,
                                 const ExactSearchOptions& options,
                                 const std::stop_token& stop = {});

// The same for queries in memory. REQUIRES: their numbers are finite, as those that VectorFile
// read.
Result<GroundTruth> exact_search(const VectorFile& vectors, const MatrixView& queries,
                                 const ExactSearchOptions& options,
                                 const std::stop_token& stop = {});

}  // namespace trackway
