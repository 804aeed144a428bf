#include "base/stopwatch.h"

#include <doctest/doctest.h>

#include <cstdint>

namespace trackway::base {
namespace {

TEST_SUITE("base") {
    TEST_CASE("wall time and CPU time pass while the program works") {
        const Stopwatch stopwatch;
        const std::uint64_t start = now_ns();
        const std::uint64_t cpu_start = cpu_ns();
        while (cpu_ns() - cpu_start < 5'000'000 || now_ns() - start < 5'000'000) {
        }
        CHECK(stopwatch.seconds() >= 0.005);
        CHECK(stopwatch.cpu_seconds() >= 0.005);
        CHECK(stopwatch.seconds() < 600);
    }
}

}  // namespace
}  // namespace trackway::base
