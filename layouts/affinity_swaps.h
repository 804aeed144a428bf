// One pass of local swaps between pages, each of which raises the sum of affinities inside pages.
#pragma once

#include "layouts/affinity.h"
#include "layouts/page_order.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::layouts {

class AffinitySwaps {
public:
    AffinitySwaps(const Affinity& affinity, const PageOrderInput& input,
                  const PageGeometry& geometry, const PageGroups& groups);

    // Proposals are made in parallel over blocks of vertices and applied in order, at most one for
    // each page and block: the same for any number of threads.
    PageGroups run(const base::Arena& arena);

private:
    static constexpr std::uint32_t kNone = UINT32_MAX;
    static constexpr std::size_t kPagesTried = 3;
    static constexpr std::size_t kMembersTried = 3;

    struct Proposal {
        std::uint32_t page = kNone;
        std::uint32_t partner = kNone;  // moves the other way; kNone: the vertex alone moves
        float gain = 0;
    };
    struct Scratch {
        std::vector<std::uint32_t> pages;
        std::vector<float> near;
        std::vector<float> other;
    };

    double sum_to(std::uint32_t vertex, std::uint32_t page, std::vector<float>& near) const;
    std::array<std::uint32_t, kPagesTried> nearest_pages(std::uint32_t vertex,
                                                         Scratch& scratch) const;
    bool is_well_placed(std::uint32_t vertex) const;
    Proposal propose(std::uint32_t vertex, Scratch& scratch) const;
    void try_page(std::uint32_t vertex, std::uint32_t page, Proposal& best, Scratch& scratch) const;
    bool swap_fits(std::uint32_t vertex, std::uint32_t page, std::uint32_t partner) const;
    void move(std::uint32_t vertex, std::uint32_t to);
    void refresh(std::uint32_t page, Scratch& scratch);

    const Affinity& affinity_;
    std::span<const std::uint32_t> degrees_;
    std::vector<std::vector<std::uint32_t>> members_;
    std::vector<PageRoom> room_;
    std::vector<std::uint32_t> page_of_;
    std::vector<float> own_;  // of each vertex: the sum of its affinities inside its page
};

}  // namespace trackway::layouts
