#include "io/read_slots.h"

#include "base/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace trackway::io {
namespace {

constexpr std::uint32_t kPage = 4096;

struct Fixture {
    explicit Fixture(std::uint32_t depth) : bytes(std::size_t{depth} * kPage), reads(depth) {
        for (std::uint32_t i = 0; i < depth; ++i)
            reads[i] = {.file = i % 3,
                        .offset = std::uint64_t{i} * kPage,
                        .buffer = bytes.data() + std::size_t{i} * kPage,
                        .owner = i};
    }
    std::vector<std::byte> bytes;
    std::vector<PageRead> reads;
};

TEST_SUITE("io read_slots") {
    TEST_CASE("a read that comes whole is finished and its slot free") {
        Fixture fixture(1);
        ReadSlots slots(1, kPage);
        CHECK(slots.is_idle());
        const std::uint32_t slot = slots.take(fixture.reads[0]);
        CHECK(slots.free_count() == 0);
        CHECK(slots.complete(slot, kPage) == &fixture.reads[0]);
        CHECK(fixture.reads[0].result == kPage);
        CHECK(slots.is_idle());
    }

    TEST_CASE("a short read goes on where it stopped") {
        Fixture fixture(2);
        ReadSlots slots(2, kPage);
        slots.take(fixture.reads[0]);
        const std::uint32_t slot = slots.take(fixture.reads[1]);
        CHECK(slots.complete(slot, 1000) == nullptr);
        CHECK(slots.complete(slot, 96) == nullptr);
        const ReadSlots::Rest rest = slots.rest_of(slot);
        CHECK(rest.file == 1);
        CHECK(rest.offset == kPage + 1096);
        CHECK(rest.buffer == fixture.reads[1].buffer + 1096);
        CHECK(rest.size_bytes == kPage - 1096);
        CHECK(slots.complete(slot, kPage - 1096) == &fixture.reads[1]);
        CHECK(fixture.reads[1].result == kPage);
        CHECK(slots.free_count() == 1);
    }

    TEST_CASE("the end of the file within a page gives the bytes before it") {
        Fixture fixture(1);
        ReadSlots slots(1, kPage);
        const std::uint32_t slot = slots.take(fixture.reads[0]);
        CHECK(slots.complete(slot, 512) == nullptr);
        CHECK(slots.complete(slot, 0) == &fixture.reads[0]);
        CHECK(fixture.reads[0].result == 512);
    }

    TEST_CASE("EAGAIN and EINTR are asked again, any other error ends the read") {
        for (const int error : {EIO, ENXIO, EBADF, ENOMEM, EINVAL, ECANCELED, EOPNOTSUPP}) {
            CAPTURE(error);
            Fixture fixture(1);
            ReadSlots slots(1, kPage);
            const std::uint32_t slot = slots.take(fixture.reads[0]);
            CHECK(slots.complete(slot, -EAGAIN) == nullptr);
            CHECK(slots.complete(slot, 100) == nullptr);
            CHECK(slots.complete(slot, -EINTR) == nullptr);
            CHECK(slots.rest_of(slot).size_bytes == kPage - 100);
            CHECK(slots.complete(slot, -error) == &fixture.reads[0]);
            CHECK(fixture.reads[0].result == -error);
            CHECK(slots.is_idle());
        }
    }

    TEST_CASE("whatever comes back in whatever order: each read ends once, with what it got") {
        for (std::uint64_t seed = 0; seed < 200; ++seed) {
            CAPTURE(seed);
            base::Random random(seed);
            const auto depth = static_cast<std::uint32_t>(1 + random.below(16));
            Fixture fixture(depth);
            ReadSlots slots(depth, kPage);
            std::vector<std::uint32_t> taken;
            std::vector<int> got(depth);
            std::vector<int> ended(depth);
            std::size_t next = 0;
            while (next < depth || !taken.empty()) {
                if (next < depth && random.below(2) == 0) {
                    taken.push_back(slots.take(fixture.reads[next++]));
                    continue;
                }
                if (taken.empty()) continue;
                const std::size_t at = random.below(taken.size());
                const ReadSlots::Rest rest = slots.rest_of(taken[at]);
                const std::size_t owner =
                    static_cast<std::size_t>(rest.buffer - fixture.bytes.data()) / kPage;
                const std::array results = {-EAGAIN, -EINTR, -EIO, 0,
                                            static_cast<int>(1 + random.below(rest.size_bytes))};
                const int result = results[random.below(results.size())];
                if (result > 0) got[owner] += result;
                PageRead* finished = slots.complete(taken[at], result);
                const bool ends = result == -EIO || result == 0 || got[owner] == kPage;
                REQUIRE((finished != nullptr) == ends);
                if (!ends) continue;
                REQUIRE(finished == &fixture.reads[owner]);
                CHECK(finished->result == (result == -EIO ? -EIO : got[owner]));
                ++ended[owner];
                taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(at));
            }
            CHECK(slots.is_idle());
            CHECK(std::all_of(ended.begin(), ended.end(), [](int count) { return count == 1; }));
        }
    }
}

}  // namespace
}  // namespace trackway::io
