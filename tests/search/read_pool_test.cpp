#include "search/read_pool.h"

#include "base/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace trackway::search {
namespace {

constexpr std::uint32_t kPage = 4096;

std::vector<std::uint32_t> owners_of(ReadPool& pool, const io::PageRead& read) {
    std::vector<std::uint32_t> owners;
    pool.arrive(read, [&](std::uint32_t owner) { owners.push_back(owner); });
    return owners;
}

TEST_SUITE("read_pool") {
    TEST_CASE("a page on its way is joined, one that has arrived is read again") {
        ReadPool pool(3, 2, kPage);
        io::PageRead* first = pool.want(0, 0, 8 * kPage);
        REQUIRE(first != nullptr);
        CHECK(first->offset == 8 * kPage);
        CHECK(pool.want(2, 0, 8 * kPage) == nullptr);
        io::PageRead* other_file = pool.want(1, 1, 8 * kPage);
        REQUIRE(other_file != nullptr);
        CHECK(other_file->file == 1);
        CHECK(owners_of(pool, *first) == std::vector<std::uint32_t>{0, 2});
        // Its buffer is still looked at by 0 and 2: whoever reads now gets another.
        pool.release(0);
        io::PageRead* again = pool.want(0, 0, 8 * kPage);
        REQUIRE(again != nullptr);
        CHECK(again->buffer != first->buffer);
        CHECK(owners_of(pool, *other_file) == std::vector<std::uint32_t>{1});
        CHECK(owners_of(pool, *again) == std::vector<std::uint32_t>{0});
    }

    TEST_CASE("at random: every owner gets each page once, and no buffer is used twice") {
        constexpr std::uint32_t kOwners = 9;
        constexpr std::uint32_t kReads = 3;
        ReadPool pool(kOwners, kReads, kPage);
        base::Random random(5);
        std::vector<std::vector<std::uint64_t>> waiting(kOwners);  // offsets
        std::vector<std::vector<std::byte*>> held(kOwners);
        std::vector<io::PageRead*> in_flight;
        std::uint64_t joined = 0;
        for (int step = 0; step < 20000; ++step) {
            const auto owner = static_cast<std::uint32_t>(random.below(kOwners));
            if (waiting[owner].empty()) {
                pool.release(owner);
                held[owner].clear();
                for (std::uint64_t i = 0; i <= random.below(kReads); ++i)
                    waiting[owner].push_back((1 + random.below(12)) * kPage);
                std::sort(waiting[owner].begin(), waiting[owner].end());
                waiting[owner].erase(std::unique(waiting[owner].begin(), waiting[owner].end()),
                                     waiting[owner].end());
                for (const std::uint64_t offset : waiting[owner]) {
                    io::PageRead* read = pool.want(owner, 0, offset);
                    if (read != nullptr) {
                        in_flight.push_back(read);
                    } else {
                        ++joined;
                    }
                }
            } else {
                std::swap(in_flight[random.below(in_flight.size())], in_flight.back());
                io::PageRead* read = in_flight.back();
                in_flight.pop_back();
                for (const auto& buffers : held)
                    REQUIRE(std::find(buffers.begin(), buffers.end(), read->buffer) ==
                            buffers.end());
                pool.arrive(*read, [&](std::uint32_t waiter) {
                    REQUIRE(std::erase(waiting[waiter], read->offset) == 1);
                    held[waiter].push_back(read->buffer);
                });
            }
        }
        CHECK(joined > 1000);
    }
}

}  // namespace
}  // namespace trackway::search
