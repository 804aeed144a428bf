#include "base/resident_memory.h"

#include "base/aligned_buffer.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>

namespace trackway::base {
namespace {

constexpr std::uint64_t kMebibyte = 1U << 20U;

TEST_SUITE("base") {
    TEST_CASE("resident memory lies between something and all of the machine's") {
        CHECK(resident_bytes() > kMebibyte);
        CHECK(resident_bytes() < physical_memory_bytes());
        CHECK(physical_memory_bytes() > 256 * kMebibyte);
        CHECK(peak_resident_bytes() < physical_memory_bytes());
    }

    TEST_CASE("memory that was touched counts as resident, and as peak after it is gone") {
        const std::uint64_t before = resident_bytes();
        {
            AlignedBuffer touched(64 * kMebibyte);
            volatile std::byte* bytes = touched.data();  // or a compiler may leave it all out
            for (std::size_t i = 0; i < touched.size(); i += 4096)
                bytes[i] = std::byte{1};
            CHECK(resident_bytes() > before + 48 * kMebibyte);
        }
        CHECK(peak_resident_bytes() > before + 48 * kMebibyte);
    }
}

}  // namespace
}  // namespace trackway::base
