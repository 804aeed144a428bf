#include "base/aligned_buffer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace trackway::base {
namespace {

bool all_zero(const AlignedBuffer& buffer) {
    const auto bytes = buffer.span();
    return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

TEST_SUITE("base") {
    TEST_CASE("a buffer is aligned, zeroed and writable to its last byte") {
        for (const std::size_t size : {1U, 100U, 4095U, 4096U, 4097U, 100'000U, 1'000'000U}) {
            CAPTURE(size);
            // The second one gets memory that the first left dirty, if the allocator reuses it.
            for (int round = 0; round < 2; ++round) {
                AlignedBuffer buffer(size);
                CHECK(std::bit_cast<std::uintptr_t>(buffer.data()) % AlignedBuffer::kAlignment ==
                      0);
                CHECK(buffer.size() == size);
                CHECK(buffer.span().size() == size);
                CHECK(buffer.span().data() == buffer.data());
                CHECK(all_zero(buffer));
                std::memset(buffer.data(), 0xff, size);
            }
        }
    }

    TEST_CASE("an empty buffer has no bytes") {
        CHECK(AlignedBuffer().span().empty());
        CHECK(AlignedBuffer(0).span().empty());
    }

    TEST_CASE("a moved buffer keeps its bytes where they are") {
        AlignedBuffer first(5000);
        first.data()[4999] = std::byte{7};
        const std::byte* address = first.data();
        AlignedBuffer second;
        second = std::move(first);
        CHECK(second.data() == address);
        CHECK(second.size() == 5000);
        CHECK(second.span().back() == std::byte{7});
    }
}

}  // namespace
}  // namespace trackway::base
