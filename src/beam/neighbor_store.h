// Adjacency lists that one query keeps from pages it has read, in a fixed number of places.
#pragma once

#include "base/assert.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::beam {

class NeighborStore {
public:
    void reset(std::uint32_t list_count, std::uint32_t max_degree) {
        stride_ = std::size_t{max_degree} + 1;
        values_.resize(list_count * stride_);
        free_.clear();
        for (std::uint32_t i = list_count; i-- > 0;)
            free_.push_back(i);
    }

    // Room for a list of this degree, to be filled by the caller.
    std::uint32_t take(std::uint32_t degree) {
        TRACKWAY_ASSERT(!free_.empty());
        TRACKWAY_ASSERT(degree < stride_);
        const std::uint32_t list = free_.back();
        free_.pop_back();
        values_[list * stride_] = degree;
        return list;
    }
    void give_back(std::uint32_t list) { free_.push_back(list); }

    std::uint32_t* data(std::uint32_t list) noexcept { return &values_[list * stride_ + 1]; }
    std::span<const std::uint32_t> list(std::uint32_t list) const noexcept {
        return {&values_[list * stride_ + 1], values_[list * stride_]};
    }

private:
    std::size_t stride_ = 0;
    std::vector<std::uint32_t> values_;  // each list behind its length
    std::vector<std::uint32_t> free_;
};

}  // namespace trackway::beam
