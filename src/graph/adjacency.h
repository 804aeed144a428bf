// The edges of one shard's graph in one flat array: a fixed number of places per vertex.
#pragma once

#include "base/assert.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::graph {

class Adjacency {
public:
    Adjacency() = default;
    Adjacency(std::uint32_t vertex_count, std::uint32_t capacity)
        : capacity_(capacity),
          degrees_(vertex_count, 0),
          neighbors_(std::size_t{vertex_count} * capacity) {}

    std::uint32_t vertex_count() const noexcept {
        return static_cast<std::uint32_t>(degrees_.size());
    }
    std::uint32_t capacity() const noexcept { return capacity_; }

    std::span<const std::uint32_t> neighbors(std::uint32_t vertex) const noexcept {
        return {neighbors_.data() + std::size_t{vertex} * capacity_, degrees_[vertex]};
    }

    // REQUIRES: neighbors.size() <= capacity().
    void set(std::uint32_t vertex, std::span<const std::uint32_t> neighbors) noexcept {
        TRACKWAY_ASSERT(neighbors.size() <= capacity_);
        std::copy(
            neighbors.begin(), neighbors.end(),
            neighbors_.begin() + static_cast<std::ptrdiff_t>(std::size_t{vertex} * capacity_));
        degrees_[vertex] = static_cast<std::uint32_t>(neighbors.size());
    }

    // Sorts the vertex's list by number.
    void sort(std::uint32_t vertex) noexcept {
        const auto first =
            neighbors_.begin() + static_cast<std::ptrdiff_t>(std::size_t{vertex} * capacity_);
        std::sort(first, first + degrees_[vertex]);
    }

    void prefetch(std::uint32_t vertex) const noexcept {
        __builtin_prefetch(&degrees_[vertex]);
        const std::uint32_t* first = neighbors_.data() + std::size_t{vertex} * capacity_;
        for (std::uint32_t i = 0; i < capacity_; i += 16)
            __builtin_prefetch(first + i);
    }

    // Of the vertices from begin to end.
    double mean_degree(std::uint32_t begin, std::uint32_t end) const noexcept {
        std::uint64_t sum = 0;
        for (std::uint32_t vertex = begin; vertex < end; ++vertex)
            sum += neighbors(vertex).size();
        return begin == end ? 0 : static_cast<double>(sum) / (end - begin);
    }

private:
    std::uint32_t capacity_ = 0;
    std::vector<std::uint32_t> degrees_;
    std::vector<std::uint32_t> neighbors_;
};

}  // namespace trackway::graph
