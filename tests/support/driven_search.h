// Drives a beam search over the pages of an opened shard, and reads what the shard holds.
#pragma once

#include "base/random.h"
#include "beam/beam_search.h"
#include "support/searched_graph.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace trackway::test {

inline std::span<const std::byte> page_bytes(const SearchedGraph& opened, PageId page) {
    const layouts::PageGeometry& geometry = opened.graph->geometry();
    return std::span(opened.pages).subspan(geometry.offset_of(page), geometry.page_size_bytes);
}

inline layouts::PageView page_view(const SearchedGraph& opened, PageId page) {
    auto view = layouts::PageView::open(opened.graph->geometry(), page, page_bytes(opened, page));
    REQUIRE(view);
    return *view;
}

// The plain driver: fetch each wanted page, hand it over.
inline void run(beam::BeamSearch& search, const SearchedGraph& opened,
                base::Random* shuffle = nullptr) {
    while (!search.done()) {
        std::vector<PageId> pages(search.wanted().begin(), search.wanted().end());
        for (std::size_t i = pages.size(); shuffle != nullptr && i > 1; --i)
            std::swap(pages[i - 1], pages[shuffle->below(i)]);
        for (const PageId page : pages)
            REQUIRE(search.absorb(page, page_bytes(opened, page)));
    }
}

// The dataset row at each place; UINT32_MAX where there is no vertex.
inline std::vector<std::uint32_t> row_at_place(const SearchedGraph& opened) {
    const layouts::PageGeometry& geometry = opened.graph->geometry();
    std::vector<std::uint32_t> rows(geometry.place_count(), UINT32_MAX);
    for (std::uint32_t page = 0; page < geometry.page_count; ++page) {
        const layouts::PageView view = page_view(opened, PageId{page});
        for (std::uint32_t slot = 0; slot < view.slot_count(); ++slot)
            rows[static_cast<std::uint32_t>(geometry.place(PageId{page}, slot))] =
                static_cast<std::uint32_t>(static_cast<std::uint64_t>(view.row(slot)));
    }
    return rows;
}

// The records of these places, sorted, as an index keeps them in memory.
inline std::unique_ptr<beam::HotRecords> hot_records(const SearchedGraph& opened,
                                                     std::span<const std::uint32_t> places) {
    const layouts::PageGeometry& geometry = opened.graph->geometry();
    auto records = std::make_unique<beam::HotRecords>(geometry);
    std::vector<std::uint32_t> slots;
    for (std::size_t begin = 0; begin < places.size(); begin += slots.size()) {
        const PageId page = geometry.page_of(LocalId{places[begin]});
        slots.clear();
        for (const std::uint32_t place : places.subspan(begin))
            if (geometry.page_of(LocalId{place}) == page)
                slots.push_back(geometry.slot_of(LocalId{place}));
        records->add(page, page_view(opened, page), slots);
    }
    records->finish();
    return records;
}

}  // namespace trackway::test
