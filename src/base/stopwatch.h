// Elapsed wall time and CPU time.
#pragma once

#include <cstdint>
#include <ctime>

namespace trackway::base {

inline std::uint64_t clock_ns(clockid_t clock) noexcept {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(now.tv_nsec);
}

inline std::uint64_t now_ns() noexcept {
    return clock_ns(CLOCK_MONOTONIC);
}

// User and kernel time of all threads of this program.
inline std::uint64_t cpu_ns() noexcept {
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

class Stopwatch {
public:
    double seconds() const noexcept { return static_cast<double>(now_ns() - start_ns_) * 1e-9; }
    double cpu_seconds() const noexcept {
        return static_cast<double>(cpu_ns() - start_cpu_ns_) * 1e-9;
    }

private:
    std::uint64_t start_ns_ = now_ns();
    std::uint64_t start_cpu_ns_ = cpu_ns();
};

}  // namespace trackway::base
