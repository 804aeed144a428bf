// The last step of a search in codes: what it found is measured again by exact vectors. A machine
// that never touches a file, driven like BeamSearch.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "distance/distance.h"
#include "graph/frontier.h"
#include "layouts/vectors_file.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::beam {

class Rerank {
public:
    // metric and element type are those of the vectors given. The geometry must outlive it.
    Rerank(const layouts::VectorsGeometry& geometry, Metric metric, ElementType given,
           std::uint32_t dimension);

    // found as BeamSearch::found() gives it; query: of the type given, stays until done(). At most
    // reads_at_once pages are wanted at a time, k of the found are kept.
    void start(const std::byte* query, std::span<const graph::Candidate> found, std::uint32_t k,
               std::uint32_t reads_at_once);

    // Pages to be fetched now, without repeats.
    std::span<const PageId> wanted() const noexcept { return wanted_; }
    // Any order; bytes are not needed afterwards. Errors as BeamSearch::absorb() has them.
    Status absorb(PageId page, std::span<const std::byte> bytes);
    bool done() const noexcept { return wanted_.empty(); }

    // Nearest first by exact distance; vertex is the row.
    std::span<const graph::Candidate> found() const noexcept { return found_.list(); }
    std::uint32_t pages() const noexcept { return pages_; }
    std::uint32_t exact_distances() const noexcept { return exact_distances_; }

private:
    void choose_pages();

    const layouts::VectorsGeometry& geometry_;
    distance::DistanceFn exact_;
    std::uint32_t dimension_;
    const std::byte* query_ = nullptr;
    std::uint32_t reads_at_once_ = 1;
    std::vector<graph::Candidate> candidates_;  // by place, which is their mark
    std::size_t next_ = 0;                      // the first candidate whose page is not wanted yet
    std::vector<PageId> wanted_;
    std::uint32_t arrived_ = 0;
    graph::Frontier found_;
    std::uint32_t pages_ = 0;
    std::uint32_t exact_distances_ = 0;
    std::vector<std::uint32_t> slots_;
    std::vector<float> distances_;
};

}  // namespace trackway::beam
