// Picks what stays in memory out of pages, as a machine that never touches a file.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "beam/hot_records.h"
#include "beam/resident_edges.h"
#include "layouts/page.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace trackway::beam {

// What of a shard's pages is in memory; null where nothing is.
struct Residence {
    std::unique_ptr<HotRecords> hot;
    std::unique_ptr<ResidentEdges> edges;
};

// What is to be in memory.
struct ResidenceWanted {
    std::span<const std::uint32_t> hot_places = {};  // records of these, in any order
    std::span<const PageId> whole_pages = {};        // all records of these, in rising order
    bool all_edges = false;                          // the edges of all vertices
};

class ResidenceLoader {
public:
    // The geometry must outlive what is taken.
    ResidenceLoader(const layouts::PageGeometry& geometry, const ResidenceWanted& wanted);

    // To be read, in rising order.
    std::span<const PageId> pages() const noexcept { return pages_; }
    // One after the other in the order of pages(). Messages of errors begin at the place in the
    // file, as those of BeamSearch.
    // After one the page is left out: its vertices are not resident, and the next page may follow.
    Status absorb(std::span<const std::byte> bytes);
    // The same for a page that cannot be read.
    void leave_out();
    // REQUIRES: all pages are absorbed or left out.
    Residence take();

private:
    void skip_hot(PageId page);
    Status add_hot(PageId page, const layouts::PageView& view);
    Status add_edges(PageId page, const layouts::PageView& view);

    const layouts::PageGeometry& geometry_;
    std::vector<std::uint32_t> hot_places_;  // in rising order
    std::vector<PageId> whole_pages_;
    std::vector<PageId> pages_;
    Residence residence_;
    std::size_t next_page_ = 0;
    std::size_t next_hot_ = 0;
    std::vector<std::uint32_t> slots_;
    std::vector<std::uint32_t> neighbors_;
};

}  // namespace trackway::beam
