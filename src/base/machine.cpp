#include "base/machine.h"

#include "base/resident_memory.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sched.h>
#include <string>
#include <thread>

namespace trackway::base {
namespace {

namespace fs = std::filesystem;

// The first words of a file; none where there is no such file.
std::optional<std::string> word_of(const fs::path& path) {
    std::ifstream file(path);
    std::string word;
    if (!(file >> word)) return std::nullopt;
    return word;
}

// A number; none where a file has none, or one that stands for no limit.
std::optional<double> number_of(const fs::path& path) {
    const auto word = word_of(path);
    if (!word || word->empty() || word->find_first_not_of("0123456789") != std::string::npos)
        return std::nullopt;
    return std::stod(*word);
}

void lower(std::optional<double>& limit, std::optional<double> other) {
    if (other) limit = std::min(limit.value_or(*other), *other);
}

// "max 100000" or "150000 100000": microseconds of each period.
std::optional<double> cores_v2(const fs::path& folder) {
    std::ifstream file(folder / "cpu.max");
    std::string quota;
    double period = 0;
    if (!(file >> quota >> period) || quota == "max" || period <= 0) return std::nullopt;
    if (quota.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
    return std::stod(quota) / period;
}

std::optional<double> cores_v1(const fs::path& folder) {
    const auto quota = number_of(folder / "cpu.cfs_quota_us");  // -1: no limit
    const auto period = number_of(folder / "cpu.cfs_period_us");
    if (!quota || !period || *period <= 0) return std::nullopt;
    return *quota / *period;
}

// The group's folder and those above it, down to the mount; the mount alone where the group is not
// shown, as in many containers.
template <class Visit>
void for_each_group(const fs::path& mount, const std::string& group, const Visit& visit) {
    std::error_code ignored;
    fs::path below = fs::path(group).relative_path();
    if (!fs::is_directory(mount / below, ignored)) below.clear();
    for (;; below = below.parent_path()) {
        visit(mount / below);
        if (below.empty()) return;
    }
}

}  // namespace

GroupLimits group_limits(const fs::path& groups, const fs::path& mount) {
    std::optional<double> cores;
    std::optional<double> memory;
    std::ifstream file(groups);
    for (std::string line; std::getline(file, line);) {  // hierarchy:controllers:group
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string group = line.substr(second + 1);
        if (controllers.empty()) {
            for_each_group(mount, group, [&](const fs::path& folder) {
                lower(cores, cores_v2(folder));
                lower(memory, number_of(folder / "memory.max"));
            });
            continue;
        }
        for_each_group(mount / controllers, group, [&](const fs::path& folder) {
            lower(cores, cores_v1(folder));
            lower(memory, number_of(folder / "memory.limit_in_bytes"));
        });
    }
    GroupLimits limits{.cores = cores};
    if (memory && *memory < 0x1p63) limits.memory_bytes = static_cast<std::uint64_t>(*memory);
    return limits;
}

std::uint32_t usable_cores() {
    cpu_set_t set;
    CPU_ZERO(&set);
    std::uint32_t cores = std::thread::hardware_concurrency();
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        cores = static_cast<std::uint32_t>(CPU_COUNT(&set));
    const GroupLimits limits = group_limits("/proc/self/cgroup", "/sys/fs/cgroup");
    if (limits.cores) cores = std::min(cores, static_cast<std::uint32_t>(std::ceil(*limits.cores)));
    return std::max(cores, 1U);
}

std::uint64_t usable_memory_bytes() {
    const GroupLimits limits = group_limits("/proc/self/cgroup", "/sys/fs/cgroup");
    const std::uint64_t physical = physical_memory_bytes();
    return std::min(physical, limits.memory_bytes.value_or(physical));
}

}  // namespace trackway::base
