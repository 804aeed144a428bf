#include "graph/exact_scan.h"

#include <algorithm>
#include <utility>

namespace trackway::graph {
namespace {

constexpr std::size_t kTileBytes = std::size_t{256} << 10U;  // rows that stay in a core's cache
constexpr std::size_t kQueriesPerTask = 16;

}  // namespace

ExactScan::ExactScan(const MatrixView& queries, Metric metric, std::uint32_t k)
    : queries_(queries),
      measure_(distance::distance_function(metric, queries.element_type)),
      nearest_(queries.row_count),
      excluded_(queries.row_count) {
    for (Frontier& list : nearest_)
        list.reset(k);
}

void ExactScan::exclude(std::size_t query, std::vector<std::uint32_t> rows) {
    excluded_[query] = std::move(rows);
}

// Tiles stay in a core's cache while some queries pass over them.
void ExactScan::add(const MatrixView& block, std::uint32_t first, const base::Arena& arena) {
    const std::uint64_t step = std::max<std::uint64_t>(1, kTileBytes / block.row_bytes());
    const auto body = [&](std::size_t begin, std::size_t end, auto) {
        for (std::uint64_t row = 0; row < block.row_count; row += step) {
            const MatrixView tile{block.row(row), block.element_type,
                                  std::min(step, block.row_count - row), block.dimension};
            for (std::size_t q = begin; q < end; ++q)
                scan_tile(q, tile, first + static_cast<std::uint32_t>(row));
        }
    };
    arena.parallel_for(nearest_.size(), kQueriesPerTask, body);
}

void ExactScan::scan_tile(std::size_t query, const MatrixView& tile, std::uint32_t first) {
    std::vector<float> distances(tile.row_count);
    measure_(queries_.row(query), {tile.data, tile.row_bytes(), nullptr, tile.row_count},
             tile.dimension, distances.data());
    for (std::uint32_t i = 0; i < distances.size(); ++i) {
        const Candidate candidate{distances[i], first + i, 0};
        if (!nearest_[query].admits(candidate)) continue;
        const std::vector<std::uint32_t>& excluded = excluded_[query];
        if (std::binary_search(excluded.begin(), excluded.end(), candidate.vertex)) continue;
        nearest_[query].insert(candidate);
    }
}

std::vector<std::vector<std::uint32_t>> ExactScan::rows() const {
    std::vector<std::vector<std::uint32_t>> all;
    for (const Frontier& nearest : nearest_) {
        auto& rows = all.emplace_back();
        for (const Candidate& candidate : nearest.list())
            rows.push_back(candidate.vertex);
    }
    return all;
}

std::vector<std::vector<std::uint32_t>> nearest_rows(const MatrixView& queries,
                                                     const MatrixView& rows, Metric metric,
                                                     std::uint32_t k, const base::Arena& arena) {
    if (queries.row_count == 0) return {};
    ExactScan scan(queries, metric,
                   static_cast<std::uint32_t>(std::min<std::uint64_t>(k, rows.row_count)));
    scan.add(rows, 0, arena);
    return scan.rows();
}

}  // namespace trackway::graph
