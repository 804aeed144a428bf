// What this program may use of the machine: a container has less of both than there is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace trackway::base {

// Cores that this program may run on, at least 1: those of its affinity, or as many as the limit of
// its control group (cgroups v1 and v2) is worth.
std::uint32_t usable_cores();
// Memory of the machine, or the limit of the control group where that is smaller.
std::uint64_t usable_memory_bytes();

struct GroupLimits {
    std::optional<double> cores = {};
    std::optional<std::uint64_t> memory_bytes = {};
};

// The smallest limits of a control group and of those it lies in. groups: what the kernel shows as
// /proc/self/cgroup; mount: where the groups are shown, usually /sys/fs/cgroup. What cannot be
// read is no limit.
GroupLimits group_limits(const std::filesystem::path& groups, const std::filesystem::path& mount);

}  // namespace trackway::base
