#include "beam/rerank.h"

#include "base/assert.h"
#include "beam/page_error.h"

#include <algorithm>

namespace trackway::beam {

using graph::Candidate;

Rerank::Rerank(const layouts::VectorsGeometry& geometry, Metric metric, ElementType given,
               std::uint32_t dimension)
    : geometry_(geometry),
      exact_(distance::distance_function(metric, given)),
      dimension_(dimension) {}

void Rerank::start(const std::byte* query, std::span<const Candidate> found, std::uint32_t k,
                   std::uint32_t reads_at_once) {
    query_ = query;
    reads_at_once_ = reads_at_once;
    candidates_.assign(found.begin(), found.end());
    std::sort(candidates_.begin(), candidates_.end(),
              [](const Candidate& a, const Candidate& b) { return a.mark < b.mark; });
    next_ = 0;
    found_.reset(k);
    pages_ = 0;
    exact_distances_ = 0;
    choose_pages();
}

void Rerank::choose_pages() {
    wanted_.clear();
    arrived_ = 0;
    for (; next_ < candidates_.size(); ++next_) {
        const PageId page = geometry_.page_of(candidates_[next_].mark);
        if (!wanted_.empty() && wanted_.back() == page) continue;
        if (wanted_.size() == reads_at_once_) break;
        wanted_.push_back(page);
    }
    pages_ += static_cast<std::uint32_t>(wanted_.size());
}

Status Rerank::absorb(PageId page, std::span<const std::byte> bytes) {
    TRACKWAY_ASSERT(std::find(wanted_.begin(), wanted_.end(), page) != wanted_.end());
    const auto rows = layouts::open_vectors_page(geometry_, page, bytes);
    if (!rows) {
        return page_error(geometry_, page, rows.error().message, rows.error().code);
    }
    slots_.clear();
    const auto first =
        std::find_if(candidates_.begin(), candidates_.end(),
                     [&](const Candidate& c) { return geometry_.page_of(c.mark) == page; });
    for (auto c = first; c != candidates_.end() && geometry_.page_of(c->mark) == page; ++c)
        slots_.push_back(geometry_.slot_of(c->mark));
    distances_.resize(slots_.size());
    exact_(query_, {*rows, geometry_.row_bytes, slots_.data(), slots_.size()}, dimension_,
           distances_.data());
    exact_distances_ += static_cast<std::uint32_t>(slots_.size());
    for (std::size_t i = 0; i < slots_.size(); ++i)
        found_.insert({distances_[i], first[static_cast<std::ptrdiff_t>(i)].vertex, 0});
    if (++arrived_ == wanted_.size()) choose_pages();
    return {};
}

}  // namespace trackway::beam
