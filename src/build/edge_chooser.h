// Which edges a vertex keeps, by rows that are copied from their file: for graphs of more vectors
// than memory holds.
#pragma once

#include "trackway/result.h"

#include "base/aligned_buffer.h"
#include "graph/frontier.h"
#include "graph/point_set.h"
#include "graph/robust_prune.h"
#include "io/file.h"
#include "io/row_cache.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace trackway::builder {

// For one thread.
class EdgeChooser {
public:
    // file: the rows of the points, without gaps; both must stay. memory_bytes: of rows that are
    // kept for the next vertices.
    EdgeChooser(const graph::PointSet& points, const io::File& file, std::uint64_t memory_bytes);

    // Measures the vertex against ids, which are sorted and lose repeats and the vertex itself.
    Status measure(std::uint32_t vertex, std::vector<std::uint32_t>& ids);
    // Those, nearest first; Candidate::vertex is the number in ids.
    std::span<const graph::Candidate> candidates() const noexcept { return candidates_; }
    // Leaves of the ids that were measured last those that robust prune keeps.
    void choose(std::vector<std::uint32_t>& ids, const graph::PruneOptions& options);

private:
    const graph::PointSet& points_;
    io::RowCache cache_;
    base::AlignedBuffer rows_;  // of the ids, then of the vertex itself
    std::optional<graph::PointSet> copies_;
    std::vector<std::uint32_t> numbers_;  // 0, 1, 2 ... as many as there were ids
    std::vector<float> distances_;
    std::vector<graph::Candidate> candidates_;
    graph::PruneScratch prune_;
};

}  // namespace trackway::builder
