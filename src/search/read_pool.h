// The page reads of one thread and their buffers. A query that wants a page which is on its way
// already joins that read: the page is read once and used by all that wait for it.
#pragma once

#include "trackway/types.h"

#include "base/aligned_buffer.h"
#include "io/page_reader.h"

#include <cstdint>
#include <span>
#include <vector>

namespace trackway::search {

class ReadPool {
public:
    // Each of `owners` may wait for up to reads_per_owner pages at a time.
    ReadPool(std::uint32_t owners, std::uint32_t reads_per_owner, std::uint32_t page_size_bytes);

    std::span<std::byte> buffers() noexcept { return buffers_.span(); }

    // The owner waits for a page from now on. Null if the read is on its way already, otherwise the
    // read to submit. REQUIRES: the owner holds fewer than reads_per_owner.
    io::PageRead* want(std::uint32_t owner, std::uint32_t file, std::uint64_t offset);

    // A read that has arrived: calls deliver(owner) for each that waits, first come first served.
    // deliver may want() and release() at will.
    template <class Deliver>
    void arrive(const io::PageRead& read, const Deliver& deliver) {
        Slot& slot = slots_[read.owner];
        slot.in_flight = false;
        for (std::uint32_t wait = slot.first_wait; wait != kNone;) {
            const std::uint32_t next = waits_[wait].next;  // deliver may make the wait anew
            deliver(wait / reads_per_owner_);
            wait = next;
        }
    }

    // The owner no longer looks at any page that it waited for. REQUIRES: all have arrived.
    void release(std::uint32_t owner);

private:
    static constexpr std::uint32_t kNone = UINT32_MAX;

    struct Slot {
        io::PageRead read;
        std::uint32_t holders = 0;
        std::uint32_t first_wait = kNone;
        std::uint32_t last_wait = kNone;
        bool in_flight = false;
    };
    // Those of owner i begin at i * reads_per_owner.
    struct Wait {
        std::uint32_t slot = kNone;
        std::uint32_t next = kNone;  // of the same slot
    };

    std::uint32_t& hint_for(std::uint32_t file, std::uint64_t offset) noexcept;

    std::uint32_t reads_per_owner_;
    base::AlignedBuffer buffers_;
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
    std::vector<Wait> waits_;
    std::vector<std::uint32_t> held_;  // of each owner
    // By page, the slot that read such a page last: where to look for one on its way. Two pages
    // may share an entry; then one of them is read twice.
    std::vector<std::uint32_t> hints_;
};

}  // namespace trackway::search
