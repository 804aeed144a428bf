#include "base/resident_memory.h"

#include "base/errors.h"

#include <cinttypes>
#include <cstdio>
#include <malloc.h>
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

// VmHWM rather than getrusage: ru_maxrss keeps the peak of the program that called exec.
std::uint64_t peak_resident_bytes() noexcept {
    std::FILE* file = std::fopen("/proc/self/status", "re");
    if (file == nullptr) return 0;
    char line[256];
    std::uint64_t kib = 0;
    while (std::fgets(line, sizeof line, file) != nullptr) {
        if (std::sscanf(line, "VmHWM: %" SCNu64 " kB", &kib) == 1) break;
    }
    std::fclose(file);
    return kib * 1024;
}

std::uint64_t physical_memory_bytes() noexcept {
    return static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
           static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

void give_back_freed_memory() noexcept {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

Status check_memory(std::string_view what, std::uint64_t bytes) {
    if (bytes <= physical_memory_bytes()) return {};
    return fail(ErrorCode::kOutOfMemory,
                join(what, ": needs ", bytes, " bytes of memory, this machine has ",
                     physical_memory_bytes()));
}

}  // namespace trackway::base
