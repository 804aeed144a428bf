#include "build/edge_chooser.h"

#include "base/errors.h"

#include <algorithm>
#include <cstddef>

namespace trackway::builder {

EdgeChooser::EdgeChooser(const graph::PointSet& points, const io::File& file,
                         std::uint64_t memory_bytes)
    : points_(points), cache_(file, points.rows().row_bytes(), memory_bytes) {}

Status EdgeChooser::measure(std::uint32_t vertex, std::vector<std::uint32_t>& ids) {
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    std::erase(ids, vertex);
    ids.push_back(vertex);
    const std::size_t row_bytes = points_.rows().row_bytes();
    if (rows_.size() < ids.size() * row_bytes)
        rows_ = base::AlignedBuffer(2 * ids.size() * row_bytes);
    for (std::size_t i = 0; i < ids.size(); ++i)
        TRACKWAY_TRY(cache_.copy(ids[i], rows_.span().subspan(i * row_bytes, row_bytes)));
    copies_.emplace(points_.copied(ids, rows_.data()));
    ids.pop_back();
    const auto count = static_cast<std::uint32_t>(ids.size());
    while (numbers_.size() < count)
        numbers_.push_back(static_cast<std::uint32_t>(numbers_.size()));
    distances_.resize(count);
    copies_->distances(count, std::span(numbers_).first(count), distances_.data());
    candidates_.clear();
    for (std::uint32_t i = 0; i < count; ++i)
        candidates_.push_back({distances_[i], i, 0});
    std::sort(candidates_.begin(), candidates_.end(), graph::nearer);
    return {};
}

void EdgeChooser::choose(std::vector<std::uint32_t>& ids, const graph::PruneOptions& options) {
    graph::robust_prune(*copies_, candidates_, options, prune_);
    for (std::uint32_t& number : prune_.kept)
        number = ids[number];
    ids = prune_.kept;
}

}  // namespace trackway::builder
