// What this program keeps in memory, as the kernel counts it.
#pragma once

#include "trackway/result.h"

#include <cstdint>
#include <string_view>

namespace trackway::base {

std::uint64_t resident_bytes() noexcept;       // now
std::uint64_t peak_resident_bytes() noexcept;  // the most so far
std::uint64_t physical_memory_bytes() noexcept;

// What was freed goes back to the system, as far as the allocator can.
void give_back_freed_memory() noexcept;

// kOutOfMemory when no machine like this one can hold so much: asked before allocating by what an
// input file says. what begins the message.
Status check_memory(std::string_view what, std::uint64_t bytes);

}  // namespace trackway::base
