#include "beam/residence_loader.h"

#include "base/assert.h"
#include "beam/page_error.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

namespace trackway::beam {
namespace {

using base::join;

}  // namespace

ResidenceLoader::ResidenceLoader(const layouts::PageGeometry& geometry,
                                 const ResidenceWanted& wanted)
    : geometry_(geometry),
      hot_places_(wanted.hot_places.begin(), wanted.hot_places.end()),
      whole_pages_(wanted.whole_pages.begin(), wanted.whole_pages.end()),
      neighbors_(geometry.max_degree) {
    std::sort(hot_places_.begin(), hot_places_.end());
    const bool any_hot = !hot_places_.empty() || !whole_pages_.empty();
    if (any_hot) {
        residence_.hot = std::make_unique<HotRecords>(geometry);
        const std::size_t whole = whole_pages_.size() * geometry.vertices_per_page;
        residence_.hot->reserve(
            hot_places_.size() + whole,
            std::min<std::size_t>(geometry.page_count, hot_places_.size() + whole_pages_.size()));
    }
    if (wanted.all_edges) {
        for (std::uint32_t page = 0; page < geometry.page_count; ++page)
            pages_.push_back(PageId{page});
        residence_.edges = std::make_unique<ResidentEdges>(geometry.place_count());
        return;
    }
    std::vector<PageId> hot_pages;
    for (const std::uint32_t place : hot_places_) {
        const PageId page = geometry.page_of(LocalId{place});
        if (hot_pages.empty() || hot_pages.back() != page) hot_pages.push_back(page);
    }
    std::set_union(hot_pages.begin(), hot_pages.end(), whole_pages_.begin(), whole_pages_.end(),
                   std::back_inserter(pages_));
}

Status ResidenceLoader::absorb(std::span<const std::byte> bytes) {
    TRACKWAY_ASSERT(next_page_ < pages_.size());
    const PageId page = pages_[next_page_++];
    const auto view = layouts::PageView::open(geometry_, page, bytes);
    Status status;
    if (!view) status = page_error(geometry_, page, view.error().message);
    if (status && residence_.edges) status = add_edges(page, *view);
    if (status && residence_.hot) status = add_hot(page, *view);
    skip_hot(page);
    return status;
}

void ResidenceLoader::leave_out() {
    TRACKWAY_ASSERT(next_page_ < pages_.size());
    skip_hot(pages_[next_page_++]);
}

void ResidenceLoader::skip_hot(PageId page) {
    while (next_hot_ < hot_places_.size() &&
           geometry_.page_of(LocalId{hot_places_[next_hot_]}) == page)
        ++next_hot_;
}

Status ResidenceLoader::add_hot(PageId page, const layouts::PageView& view) {
    slots_.clear();
    if (std::binary_search(whole_pages_.begin(), whole_pages_.end(), page)) {
        slots_.resize(view.slot_count());
        std::iota(slots_.begin(), slots_.end(), 0U);
        if (!slots_.empty()) residence_.hot->add(page, view, slots_);
        return {};
    }
    for (; next_hot_ < hot_places_.size(); ++next_hot_) {
        const LocalId vertex{hot_places_[next_hot_]};
        if (geometry_.page_of(vertex) != page) break;
        slots_.push_back(geometry_.slot_of(vertex));
    }
    if (slots_.empty()) return {};
    if (slots_.back() >= view.slot_count()) {
        return page_error(geometry_, page,
                          join("slot ", slots_.back(), ": expected a hot vertex, found ",
                               view.slot_count(), " slots"));
    }
    residence_.hot->add(page, view, slots_);
    return {};
}

Status ResidenceLoader::add_edges(PageId page, const layouts::PageView& view) {
    for (std::uint32_t slot = 0; slot < view.slot_count(); ++slot) {
        const std::span<std::uint32_t> neighbors = std::span(neighbors_).first(view.degree(slot));
        view.neighbors(slot, neighbors_.data());
        std::sort(neighbors.begin(), neighbors.end());
        const bool repeats =
            std::adjacent_find(neighbors.begin(), neighbors.end()) != neighbors.end();
        if (repeats || (!neighbors.empty() && neighbors.back() >= geometry_.place_count())) {
            return page_error(
                geometry_, page,
                join("page ", static_cast<std::uint32_t>(page), ": slot ", slot,
                     ": neighbours: expected different places below ", geometry_.place_count(),
                     ", found ", repeats ? "one twice" : std::to_string(neighbors.back())));
        }
        residence_.edges->add(geometry_.place(page, slot), neighbors);
    }
    return {};
}

Residence ResidenceLoader::take() {
    TRACKWAY_ASSERT(next_page_ == pages_.size());
    if (residence_.hot) residence_.hot->finish();
    if (residence_.edges) residence_.edges->finish();
    return std::move(residence_);
}

}  // namespace trackway::beam
