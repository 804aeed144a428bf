#include "search/beam_search.h"

#include "base/assert.h"
#include "base/errors.h"
#include "distance/row_floats.h"

#include <algorithm>

namespace trackway::search {

using base::fail;
using base::join;
using graph::Candidate;

BeamSearch::BeamSearch(const OpenedShard& shard)
    : shard_(shard),
      exact_(distance::distance_function(shard.file.description.metric,
                                         shard.file.description.element_type)),
      query_floats_(shard.file.description.dimension),
      distances_(std::max(shard.geometry().vertices_per_page, shard.geometry().max_degree)),
      neighbors_(shard.geometry().max_degree) {}

void BeamSearch::start(const std::byte* query, const BeamParams& params) {
    TRACKWAY_ASSERT(params.beam_width > 0);
    TRACKWAY_ASSERT(params.k > 0 && params.search_list_size >= params.k);
    params_ = params;
    query_ = query;
    const layouts::ShardDescription& shard = shard_.file.description;
    distance::row_floats(query, shard.element_type, shard.metric, query_floats_);
    table_.prepare(shard_.quantizer, shard.metric, query_floats_);
    frontier_.reset(params.search_list_size);
    mates_.reset(params.search_list_size);
    found_.reset(params.k);
    seen_.clear();
    store_.reset(2 * params.search_list_size + 1, shard.geometry.max_degree);
    next_ = 0;
    next_mate_ = 0;
    counts_ = {};
    const auto entry = static_cast<std::uint32_t>(shard.entry_point);
    seen_.insert(entry);
    float estimate = 0;
    table_.estimate(shard_.codes(), {&entry, 1}, &estimate);
    ++counts_.estimates;
    insert({estimate, entry, kWaiting}, frontier_, next_);
    const Status chosen = choose_beam();
    TRACKWAY_ASSERT(chosen.has_value());  // nothing is resident yet, so nothing was expanded
}

Status BeamSearch::absorb(PageId page, std::span<const std::byte> bytes) {
    const auto at = std::find(wanted_.begin(), wanted_.end(), page);
    TRACKWAY_ASSERT(at != wanted_.end());
    const auto position = static_cast<std::size_t>(at - wanted_.begin());
    TRACKWAY_ASSERT(arrived_[position] == nullptr);
    TRACKWAY_ASSERT(bytes.size() == shard_.geometry().page_size_bytes);
    arrived_[position] = bytes.data();
    if (++arrived_count_ < wanted_.size()) return {};
    return finish_hop();
}

// Scores all pages before it expands, so that estimates of page-mates are never needed.
Status BeamSearch::finish_hop() {
    const layouts::PageGeometry& geometry = shard_.geometry();
    ++counts_.hops;
    views_.clear();
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
        const std::span bytes(arrived_[i], geometry.page_size_bytes);
        auto view = layouts::PageView::open(geometry, wanted_[i], bytes);
        if (!view) {
            return fail(view.error().code, shard_.file.locate(wanted_[i], view.error().message));
        }
        views_.push_back(*view);
        score(wanted_[i], *view);
    }
    for (const LocalId vertex : beam_) {
        const PageId page = geometry.page_of(vertex);
        const auto at = std::find(wanted_.begin(), wanted_.end(), page) - wanted_.begin();
        const layouts::PageView& view = views_[static_cast<std::size_t>(at)];
        const std::uint32_t slot = geometry.slot_of(vertex);
        if (slot >= view.slot_count()) {
            return fail(ErrorCode::kCorruption,
                        shard_.file.locate(page, join("slot ", slot, ": expected a vertex, found ",
                                                      view.slot_count(), " slots")));
        }
        view.neighbors(slot, neighbors_.data());
        TRACKWAY_TRY(expand(std::span(neighbors_).first(view.degree(slot))));
    }
    return choose_beam();
}

void BeamSearch::score(PageId page, const layouts::PageView& view) {
    const layouts::ShardDescription& shard = shard_.file.description;
    const distance::Rows rows{view.vectors(), shard.geometry.vector_bytes, nullptr,
                              view.slot_count()};
    exact_(query_, rows, shard.dimension, distances_.data());
    counts_.exact_distances += view.slot_count();
    for (std::uint32_t slot = 0; slot < view.slot_count(); ++slot) {
        const auto row = static_cast<std::uint32_t>(static_cast<std::uint64_t>(view.row(slot)));
        found_.insert({distances_[slot], row, 0});
        keep_resident(view, slot,
                      {distances_[slot],
                       static_cast<std::uint32_t>(shard.geometry.place(page, slot)), kWaiting});
    }
}

// A scored vertex stays expandable without another read: in the frontier if an edge had led to it,
// among the page-mates if it merely came along.
void BeamSearch::keep_resident(const layouts::PageView& view, std::uint32_t slot,
                               Candidate scored) {
    const bool is_mate = seen_.insert(scored.vertex);
    if (is_mate) {
        if (!frontier_.admits(scored) || !mates_.admits(scored)) return;
    } else {
        const auto list = frontier_.list();
        const auto at = std::find_if(list.begin(), list.end(),
                                     [&](const Candidate& c) { return c.vertex == scored.vertex; });
        if (at == list.end() || at->mark != kWaiting) return;
        frontier_.erase(static_cast<std::size_t>(at - list.begin()));
    }
    const std::uint32_t list = store_.take(view.degree(slot));
    view.neighbors(slot, store_.data(list));
    scored.mark = kResident + list;
    if (is_mate) {
        insert(scored, mates_, next_mate_);
    } else {
        insert(scored, frontier_, next_);
    }
}

void BeamSearch::insert(const Candidate& candidate, graph::Frontier& list, std::size_t& next) {
    Candidate dropped;
    next = std::min(next, list.insert(candidate, &dropped));
    if (dropped.mark >= kResident) store_.give_back(dropped.mark - kResident);
}

Status BeamSearch::expand(std::span<const std::uint32_t> neighbors) {
    const std::uint64_t places = shard_.geometry().place_count();
    ids_.clear();
    for (const std::uint32_t neighbor : neighbors) {
        if (neighbor >= places) {
            return fail(ErrorCode::kCorruption,
                        join(shard_.file.file.path().string(), ": neighbour: expected less than ",
                             places, ", found ", neighbor));
        }
        if (seen_.insert(neighbor)) ids_.push_back(neighbor);
    }
    table_.estimate(shard_.codes(), ids_, distances_.data());
    counts_.estimates += static_cast<std::uint32_t>(ids_.size());
    for (std::size_t i = 0; i < ids_.size(); ++i) {
        const Candidate candidate{distances_[i], ids_[i], kWaiting};
        if (frontier_.admits(candidate)) insert(candidate, frontier_, next_);
    }
    return {};
}

// The nearest candidate of both lists that is not expanded yet. A page-mate farther than all of a
// full frontier is not worth it.
Candidate* BeamSearch::nearest_unexpanded() {
    while (next_ < frontier_.size() && frontier_[next_].mark == kExpanded)
        ++next_;
    while (next_mate_ < mates_.size() && mates_[next_mate_].mark == kExpanded)
        ++next_mate_;
    Candidate* nearest = next_ < frontier_.size() ? &frontier_[next_] : nullptr;
    if (next_mate_ == mates_.size()) return nearest;
    Candidate* mate = &mates_[next_mate_];
    if (nearest == nullptr) return frontier_.admits(*mate) ? mate : nullptr;
    return nearer(*mate, *nearest) ? mate : nearest;
}

// Takes the nearest candidates in turn: one that is resident is expanded on the spot, one that is
// not joins the beam, until the beam is full.
Status BeamSearch::choose_beam() {
    beam_.clear();
    wanted_.clear();
    const layouts::PageGeometry& geometry = shard_.geometry();
    const std::uint32_t pages_left =
        params_.page_limit == 0 ? UINT32_MAX : params_.page_limit - counts_.pages;
    while (beam_.size() < params_.beam_width) {
        Candidate* candidate = nearest_unexpanded();
        if (candidate == nullptr) break;
        const std::uint32_t mark = candidate->mark;
        const LocalId vertex{candidate->vertex};
        if (mark >= kResident) {
            candidate->mark = kExpanded;
            ++counts_.expanded_resident;
            const Status expanded = expand(store_.list(mark - kResident));
            store_.give_back(mark - kResident);
            TRACKWAY_TRY(expanded);
            continue;
        }
        const PageId page = geometry.page_of(vertex);
        const bool known = std::find(wanted_.begin(), wanted_.end(), page) != wanted_.end();
        if (!known && wanted_.size() == pages_left) break;
        candidate->mark = kExpanded;
        beam_.push_back(vertex);
        if (!known) wanted_.push_back(page);
    }
    counts_.pages += static_cast<std::uint32_t>(wanted_.size());
    arrived_.assign(wanted_.size(), nullptr);
    arrived_count_ = 0;
    return {};
}

}  // namespace trackway::search
