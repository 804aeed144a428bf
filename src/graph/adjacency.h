// The edges of a graph in one flat array: for each vertex its degree, then a fixed number of places
// for neighbours.
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
    // Without edges.
    Adjacency(std::uint32_t vertex_count, std::uint32_t capacity)
        : stride_(std::size_t{capacity} + 1),
          vertex_count_(vertex_count),
          own_(vertex_count * stride_, 0),
          rows_(own_) {}
    // With the edges that stand in rows, which must stay: vertex after vertex, capacity + 1 numbers
    // for each.
    Adjacency(std::span<std::uint32_t> rows, std::uint32_t capacity)
        : stride_(std::size_t{capacity} + 1),
          vertex_count_(static_cast<std::uint32_t>(rows.size() / stride_)),
          rows_(rows) {}
    Adjacency(const Adjacency&) = delete;
    Adjacency& operator=(const Adjacency&) = delete;
    Adjacency(Adjacency&&) noexcept = default;  // a moved vector keeps its place in memory
    Adjacency& operator=(Adjacency&&) noexcept = default;
    ~Adjacency() = default;

    std::uint32_t vertex_count() const noexcept { return vertex_count_; }
    std::uint32_t capacity() const noexcept { return static_cast<std::uint32_t>(stride_ - 1); }

    std::span<const std::uint32_t> neighbors(std::uint32_t vertex) const noexcept {
        const std::uint32_t* row = rows_.data() + vertex * stride_;
        return {row + 1, *row};
    }
    // Degree and places of these vertices, as they stand.
    std::span<const std::uint32_t> rows(std::uint32_t begin, std::uint32_t end) const noexcept {
        return rows_.subspan(begin * stride_, (end - begin) * stride_);
    }

    // REQUIRES: neighbors.size() <= capacity().
    void set(std::uint32_t vertex, std::span<const std::uint32_t> neighbors) noexcept {
        TRACKWAY_ASSERT(neighbors.size() < stride_);
        std::uint32_t* row = rows_.data() + vertex * stride_;
        *row = static_cast<std::uint32_t>(neighbors.size());
        std::copy(neighbors.begin(), neighbors.end(), row + 1);
    }

    // Sorts the vertex's list by number.
    void sort(std::uint32_t vertex) noexcept {
        std::uint32_t* row = rows_.data() + vertex * stride_;
        std::sort(row + 1, row + 1 + *row);
    }

    void prefetch(std::uint32_t vertex) const noexcept {
        const std::uint32_t* row = rows_.data() + vertex * stride_;
        for (std::size_t i = 0; i < stride_; i += 16)
            __builtin_prefetch(row + i);
    }

    // Of the vertices from begin to end.
    double mean_degree(std::uint32_t begin, std::uint32_t end) const noexcept {
        std::uint64_t sum = 0;
        for (std::uint32_t vertex = begin; vertex < end; ++vertex)
            sum += neighbors(vertex).size();
        return begin == end ? 0 : static_cast<double>(sum) / (end - begin);
    }

private:
    std::size_t stride_ = 1;
    std::uint32_t vertex_count_ = 0;
    std::vector<std::uint32_t> own_;
    std::span<std::uint32_t> rows_;
};

}  // namespace trackway::graph
