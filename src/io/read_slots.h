// Reads in flight: which slot holds which, and how far each has come. Knows no ring and no file.
#pragma once

#include "base/assert.h"
#include "io/page_reader.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace trackway::io {

class ReadSlots {
public:
    // What of a read is still to come.
    struct Rest {
        std::uint32_t file = 0;
        std::uint64_t offset = 0;
        std::byte* buffer = nullptr;
        std::uint32_t size_bytes = 0;
    };

    ReadSlots(std::uint32_t depth, std::uint32_t page_size_bytes)
        : page_size_(page_size_bytes), slots_(depth) {
        for (std::uint32_t slot = 0; slot < depth; ++slot)
            free_.push_back(slot);
    }

    std::size_t free_count() const noexcept { return free_.size(); }
    bool is_idle() const noexcept { return free_.size() == slots_.size(); }

    // REQUIRES: free_count() > 0.
    std::uint32_t take(PageRead& read) {
        TRACKWAY_ASSERT(!free_.empty());
        const std::uint32_t slot = free_.back();
        free_.pop_back();
        slots_[slot] = {&read, 0};
        return slot;
    }

    Rest rest_of(std::uint32_t slot) const {
        TRACKWAY_ASSERT(slot < slots_.size() && slots_[slot].read != nullptr);
        const Slot& taken = slots_[slot];
        return {taken.read->file, taken.read->offset + taken.done_bytes,
                taken.read->buffer + taken.done_bytes, page_size_ - taken.done_bytes};
    }

    // One attempt at the rest gave so many bytes, or -errno. The read, where it is finished and its
    // slot free; nullptr, where its rest is to be asked for again: what came was short, or the
    // kernel was interrupted or out of room.
    PageRead* complete(std::uint32_t slot, int result) {
        TRACKWAY_ASSERT(slot < slots_.size() && slots_[slot].read != nullptr);
        Slot& taken = slots_[slot];
        if (result == -EAGAIN || result == -EINTR) return nullptr;
        if (result > 0) {
            const auto got = static_cast<std::uint32_t>(result);
            TRACKWAY_ASSERT(got <= page_size_ - taken.done_bytes);
            taken.done_bytes += got;
            if (taken.done_bytes < page_size_) return nullptr;
        }
        PageRead* read = taken.read;
        read->result = result < 0 ? result : static_cast<int>(taken.done_bytes);
        taken.read = nullptr;
        free_.push_back(slot);
        return read;
    }

private:
    struct Slot {
        PageRead* read = nullptr;  // nullptr: free
        std::uint32_t done_bytes = 0;
    };

    std::uint32_t page_size_;
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
};

}  // namespace trackway::io
