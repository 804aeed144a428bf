// The nearest rows of many queries by comparing every query with every row.
#pragma once

#include "trackway/types.h"

#include "base/arena.h"
#include "distance/distance.h"
#include "graph/frontier.h"

#include <cstdint>
#include <vector>

namespace trackway::graph {

class ExactScan {
public:
    // Keeps the k nearest of each query, which must stay.
    ExactScan(const MatrixView& queries, Metric metric, std::uint32_t k);

    // Rows of the dataset, sorted, that are not offered to the query; none until it is called.
    void exclude(std::size_t query, std::vector<std::uint32_t> rows);

    // The block's first row is row `first` of the dataset. Unfinished when arena.stopped().
    void add(const MatrixView& block, std::uint32_t first, const base::Arena& arena);

    // Of the rows added so far; distances as the kernels compute them, ties to the smaller row.
    const std::vector<Frontier>& nearest() const noexcept { return nearest_; }
    // The same without distances: for each query its rows.
    std::vector<std::vector<std::uint32_t>> rows() const;

private:
    void scan_tile(std::size_t query, const MatrixView& tile, std::uint32_t first);

    MatrixView queries_;
    distance::DistanceFn measure_;
    std::vector<Frontier> nearest_;
    std::vector<std::vector<std::uint32_t>> excluded_;  // of each query
};

// For each query its k nearest of these rows, or all rows where they are fewer. Unfinished when
// arena.stopped().
std::vector<std::vector<std::uint32_t>> nearest_rows(const MatrixView& queries,
                                                     const MatrixView& rows, Metric metric,
                                                     std::uint32_t k, const base::Arena& arena);

}  // namespace trackway::graph
