#include "base/machine.h"

#include "base/resident_memory.h"
#include "support/temp_folder.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

using namespace trackway;
namespace fs = std::filesystem;

namespace {

void write(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
}

}  // namespace

TEST_SUITE("base") {
    TEST_CASE("the smallest limit of a control group and those above it counts") {
        const test::TempFolder folder;
        write(folder / "groups", "0::/outer/inner\n");
        const fs::path mount = folder / "mount";
        write(mount / "outer/inner/memory.max", "max\n");
        write(mount / "outer/inner/cpu.max", "max 100000\n");
        auto limits = base::group_limits(folder / "groups", mount);
        CHECK_FALSE(limits.memory_bytes);
        CHECK_FALSE(limits.cores);
        write(mount / "outer/memory.max", "1073741824\n");
        write(mount / "outer/inner/memory.max", "2147483648\n");
        write(mount / "outer/inner/cpu.max", "150000 100000\n");
        limits = base::group_limits(folder / "groups", mount);
        CHECK(limits.memory_bytes == 1073741824U);
        CHECK(limits.cores == 1.5);
    }

    TEST_CASE("a group that is not shown has the limits of the mount") {
        const test::TempFolder folder;
        write(folder / "groups", "0::/docker/0123\n");
        write(folder / "mount/memory.max", "4096\n");
        CHECK(base::group_limits(folder / "groups", folder / "mount").memory_bytes == 4096U);
    }

    TEST_CASE("control groups of version 1 have their limits by controller") {
        const test::TempFolder folder;
        write(folder / "groups", "4:memory:/a\n3:cpu,cpuacct:/a\n1:name=systemd:/\n");
        const fs::path mount = folder / "mount";
        write(mount / "memory/a/memory.limit_in_bytes", "5000\n");
        write(mount / "memory/memory.limit_in_bytes", "9223372036854771712\n");
        write(mount / "cpu,cpuacct/a/cpu.cfs_quota_us", "200000\n");
        write(mount / "cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
        const auto limits = base::group_limits(folder / "groups", mount);
        CHECK(limits.memory_bytes == 5000U);
        CHECK(limits.cores == 2);
        write(mount / "cpu,cpuacct/a/cpu.cfs_quota_us", "-1\n");
        CHECK_FALSE(base::group_limits(folder / "groups", mount).cores);
    }

    TEST_CASE("what cannot be read is no limit") {
        const test::TempFolder folder;
        write(folder / "groups", "nonsense\n0::/x\n::\n");
        write(folder / "mount/x/memory.max", "12x\n");
        write(folder / "mount/x/cpu.max", "fast\n");
        for (const char* groups : {"groups", "missing"}) {
            const auto limits = base::group_limits(folder / groups, folder / "mount");
            CHECK_FALSE(limits.memory_bytes);
            CHECK_FALSE(limits.cores);
        }
        CHECK(base::usable_cores() >= 1);
        CHECK(base::usable_memory_bytes() > 0);
        CHECK(base::usable_memory_bytes() <= base::physical_memory_bytes());
    }
}
