// Bounded list of candidates, nearest first, shared by building and searching.
#pragma once

#include "base/assert.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::graph {

// mark is the owner's: greedy_search and beam_search keep there what they know of the vertex.
struct Candidate {
    float distance = 0;
    std::uint32_t vertex = 0;
    std::uint32_t mark = 0;
};

// The one order of candidates: by distance, then by number, so that equal distances never depend
// on arrival.
constexpr bool nearer(const Candidate& a, const Candidate& b) noexcept {
    return a.distance < b.distance || (a.distance == b.distance && a.vertex < b.vertex);
}

class Frontier {
public:
    void reset(std::uint32_t capacity) {
        TRACKWAY_ASSERT(capacity > 0);
        capacity_ = capacity;
        candidates_.clear();
        candidates_.reserve(std::size_t{capacity} + 1);
    }

    bool full() const noexcept { return candidates_.size() == capacity_; }
    std::size_t size() const noexcept { return candidates_.size(); }
    std::span<const Candidate> list() const noexcept { return candidates_; }
    Candidate& operator[](std::size_t i) noexcept { return candidates_[i]; }

    // False when the list would drop the candidate at once.
    bool admits(const Candidate& candidate) const noexcept {
        return !full() || nearer(candidate, candidates_.back());
    }

    // Where the candidate was put; size() when it was not. The farthest may fall out: *dropped
    // then holds it, if given.
    std::size_t insert(const Candidate& candidate, Candidate* dropped = nullptr) {
        if (!admits(candidate)) return candidates_.size();
        if (full()) {
            if (dropped != nullptr) *dropped = candidates_.back();
            candidates_.pop_back();
        }
        const auto at = std::upper_bound(candidates_.begin(), candidates_.end(), candidate, nearer);
        const auto position = static_cast<std::size_t>(at - candidates_.begin());
        candidates_.insert(at, candidate);
        return position;
    }

    void erase(std::size_t position) noexcept {
        candidates_.erase(candidates_.begin() + static_cast<std::ptrdiff_t>(position));
    }

private:
    std::size_t capacity_ = 0;
    std::vector<Candidate> candidates_;
};

}  // namespace trackway::graph
