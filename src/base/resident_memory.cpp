#include "base/resident_memory.h"

#include <cinttypes>
#include <cstdio>
#include <sys/resource.h>
#include <unistd.h>

namespace trackway::base {

std::uint64_t resident_bytes() noexcept {
    std::FILE* file = std::fopen("/proc/self/statm", "re");
    if (file == nullptr) return 0;
    std::uint64_t total = 0;
    std::uint64_t resident = 0;
    const int fields = std::fscanf(file, "%" SCNu64 " %" SCNu64, &total, &resident);
    std::fclose(file);
    return fields == 2 ? resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

std::uint64_t peak_resident_bytes() noexcept {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024U;
}

std::uint64_t physical_memory_bytes() noexcept {
    return static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
           static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace trackway::base
