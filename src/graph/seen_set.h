// The vertices that one search has met: a flat hash table that empties in constant time.
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
    explicit SeenSet(std::size_t expected = 1024) { resize(std::bit_ceil(expected * 2)); }

    void clear() noexcept {
        size_ = 0;
        if (++epoch_ != 0) return;
        epoch_ = 1;  // wrapped around: old entries would look new
        for (Entry& entry : entries_)
            entry.epoch = 0;
    }

    // True when the vertex was not in the set yet.
    bool insert(std::uint32_t vertex) {
        if (2 * (size_ + 1) > entries_.size()) grow();
        for (std::size_t i = position(vertex);; i = (i + 1) & (entries_.size() - 1)) {
            Entry& entry = entries_[i];
            if (entry.epoch != epoch_) {
                entry = {vertex, epoch_};
                ++size_;
                return true;
            }
            if (entry.vertex == vertex) return false;
        }
    }

    std::size_t size() const noexcept { return size_; }

private:
    struct Entry {
        std::uint32_t vertex = 0;
        std::uint32_t epoch = 0;
    };

    // Fibonacci hashing (Knuth, volume 3, section 6.4).
    std::size_t position(std::uint32_t vertex) const noexcept {
        return static_cast<std::size_t>((vertex * 0x9e3779b97f4a7c15U) >> shift_);
    }

    void resize(std::size_t capacity) {
        entries_.assign(capacity, {});
        shift_ = 64U - static_cast<unsigned>(std::countr_zero(capacity));
        epoch_ = 1;
        size_ = 0;
    }

    void grow() {
        const std::vector<Entry> old = std::move(entries_);
        const std::uint32_t epoch = epoch_;
        resize(old.size() * 2);
        for (const Entry& entry : old) {
            if (entry.epoch == epoch) insert(entry.vertex);
        }
    }

    std::vector<Entry> entries_;
    std::size_t size_ = 0;
    std::uint32_t epoch_ = 1;
    unsigned shift_ = 0;
};

}  // namespace trackway::graph
