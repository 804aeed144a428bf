// The vertices that one search has met: a flat hash table four bytes an entry.
#pragma once

#include "base/assert.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace trackway::graph {

class SeenSet {
public:
    explicit SeenSet(std::size_t expected = 512) { resize(std::bit_ceil(expected * 2)); }

    // Shrinks to what the last search needed: a table of many searches in flight must stay small.
    void clear() {
        std::size_t capacity = entries_.size();
        while (capacity > kLeast && 4 * size_ < capacity)
            capacity /= 2;
        resize(capacity);
    }

    // Asks for the memory that insert(vertex) will touch.
    void prefetch(std::uint32_t vertex) const noexcept {
        __builtin_prefetch(&entries_[position(vertex)], 1);
    }

    // True when the vertex was not in the set yet.
    bool insert(std::uint32_t vertex) {
        if (vertex == kNone) {
            size_ += has_none_ ? 0U : 1U;
            return !std::exchange(has_none_, true);
        }
        if (4 * (size_ + 1) > 3 * entries_.size()) grow();
        for (std::size_t i = position(vertex);; i = (i + 1) & (entries_.size() - 1)) {
            if (entries_[i] == vertex) return false;
            if (entries_[i] == kNone) {
                entries_[i] = vertex;
                ++size_;
                return true;
            }
        }
    }

    std::size_t size() const noexcept { return size_; }

private:
    static constexpr std::uint32_t kNone = UINT32_MAX;  // an empty entry
    static constexpr std::size_t kLeast = 1024;

    // Fibonacci hashing (Knuth, volume 3, section 6.4).
    std::size_t position(std::uint32_t vertex) const noexcept {
        return static_cast<std::size_t>((vertex * 0x9e3779b97f4a7c15U) >> shift_);
    }

    void resize(std::size_t capacity) {
        entries_.assign(capacity, kNone);
        shift_ = 64U - static_cast<unsigned>(std::countr_zero(capacity));
        size_ = 0;
        has_none_ = false;
    }

    // The room of both tables stays: searches that come back to a size allocate nothing.
    void grow() {
        old_.assign(entries_.begin(), entries_.end());
        const bool had_none = has_none_;
        resize(old_.size() * 2);
        for (const std::uint32_t vertex : old_) {
            if (vertex != kNone) insert(vertex);
        }
        if (had_none) insert(kNone);
    }

    std::vector<std::uint32_t> entries_;
    std::vector<std::uint32_t> old_;  // before the last growth
    std::size_t size_ = 0;
    unsigned shift_ = 0;
    bool has_none_ = false;
};

}  // namespace trackway::graph
