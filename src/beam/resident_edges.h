// Edges that stay in memory: a vertex that has its edges here is expanded without a read. What it
// is exactly worth shows when its page is read, if it ever needs to be.
#pragma once

#include "trackway/types.h"

#include "layouts/edge_code.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::beam {

class ResidentEdges {
public:
    // Nothing resident yet, of places below place_count.
    explicit ResidentEdges(std::uint64_t place_count);

    // What bytes() will be with lists of these degrees.
    static std::uint64_t bytes_for(std::uint64_t place_count,
                                   std::span<const std::uint32_t> degrees) noexcept;

    // REQUIRES: vertices and neighbours in rising order; neighbours below place_count.
    void add(LocalId vertex, std::span<const std::uint32_t> neighbors);
    // No more will be added: from here on it can be asked.
    void finish();

    std::uint64_t count() const noexcept { return starts_.size(); }
    std::uint64_t bytes() const noexcept;

    bool has(LocalId vertex) const noexcept {
        const auto place = static_cast<std::uint32_t>(vertex);
        return (present_[place / 64] >> place % 64 & 1) != 0;
    }
    // Writes the neighbours, in rising order, and tells how many. REQUIRES: has(vertex).
    std::uint32_t neighbors(LocalId vertex, std::uint32_t* out) const noexcept;

private:
    static constexpr std::size_t kGroup = 64;  // lists whose starts count from one byte

    layouts::EdgeCode code_;
    std::vector<std::uint64_t> present_;  // a bit for each place
    std::vector<std::uint32_t> before_;   // lists of places before those of each word of present_
    std::vector<std::byte> lists_;        // each its degree in a byte, then edges; then slack
    std::vector<std::uint64_t> group_start_;  // in lists_
    std::vector<std::uint16_t> starts_;       // of each list, from its group's
};

}  // namespace trackway::beam
