// What this program keeps in memory, as the kernel counts it.
#pragma once

#include <cstdint>

namespace trackway::base {

std::uint64_t resident_bytes() noexcept;       // now
std::uint64_t peak_resident_bytes() noexcept;  // the most so far
std::uint64_t physical_memory_bytes() noexcept;

}  // namespace trackway::base
