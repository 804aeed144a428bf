#include "search/read_pool.h"

#include "base/assert.h"

#include <bit>
#include <cstddef>

namespace trackway::search {

ReadPool::ReadPool(std::uint32_t owners, std::uint32_t reads_per_owner,
                   std::uint32_t page_size_bytes)
    : reads_per_owner_(reads_per_owner),
      buffers_(std::size_t{owners} * reads_per_owner * page_size_bytes),
      slots_(std::size_t{owners} * reads_per_owner),
      waits_(slots_.size()),
      held_(owners, 0),
      hints_(std::bit_ceil(4 * slots_.size()), 0) {
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
        slots_[i].read.buffer = buffers_.data() + std::size_t{i} * page_size_bytes;
        slots_[i].read.owner = i;
        free_.push_back(static_cast<std::uint32_t>(slots_.size()) - 1 - i);
    }
}

std::uint32_t& ReadPool::hint_for(std::uint32_t file, std::uint64_t offset) noexcept {
    constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15U;  // 2^64 / golden ratio
    const std::uint64_t mixed = (offset + file) * kOdd;
    return hints_[mixed >> 32U & (hints_.size() - 1)];
}

io::PageRead* ReadPool::want(std::uint32_t owner, std::uint32_t file, std::uint64_t offset) {
    TRACKWAY_ASSERT(held_[owner] < reads_per_owner_);
    const std::uint32_t wait = owner * reads_per_owner_ + held_[owner]++;
    std::uint32_t& hint = hint_for(file, offset);
    const Slot& hinted = slots_[hint];
    const bool joins = hinted.in_flight && hinted.read.offset == offset && hinted.read.file == file;
    if (!joins) {
        hint = free_.back();
        free_.pop_back();
    }
    waits_[wait] = {hint, kNone};
    Slot& slot = slots_[hint];
    ++slot.holders;
    if (joins) {
        waits_[slot.last_wait].next = wait;
        slot.last_wait = wait;
        return nullptr;
    }
    slot.first_wait = wait;
    slot.last_wait = wait;
    slot.in_flight = true;
    slot.read.file = file;
    slot.read.offset = offset;
    slot.read.result = 0;
    return &slot.read;
}

void ReadPool::release(std::uint32_t owner) {
    for (std::uint32_t i = 0; i < held_[owner]; ++i) {
        const std::uint32_t number = waits_[owner * reads_per_owner_ + i].slot;
        if (--slots_[number].holders == 0) free_.push_back(number);
    }
    held_[owner] = 0;
}

}  // namespace trackway::search
