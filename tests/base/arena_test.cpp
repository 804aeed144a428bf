#include "base/arena.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <vector>

namespace trackway::base {
namespace {

// What one parallel_for did, counted by its body.
struct Observed {
    std::vector<std::atomic<std::uint32_t>> visits;
    std::vector<std::atomic<bool>> busy;  // by thread number
    std::atomic<std::uint32_t> bad_blocks = 0;
    std::atomic<std::uint32_t> bad_threads = 0;
    std::atomic<std::uint32_t> shared_threads = 0;

    Observed(std::size_t count, std::size_t threads) : visits(count), busy(threads) {}

    void run(const Arena& arena, std::size_t block) {
        const std::size_t count = visits.size();
        arena.parallel_for(count, block, [&](auto begin, auto end, std::uint32_t thread) {
            if (begin % block != 0 || end != std::min(begin + block, count)) ++bad_blocks;
            if (thread >= busy.size()) {
                ++bad_threads;
                return;
            }
            if (busy[thread].exchange(true)) ++shared_threads;
            for (std::size_t i = begin; i < end; ++i)
                ++visits[i];
            busy[thread] = false;
        });
    }
};

void check_blocks(const Arena& arena, std::size_t count, std::size_t block) {
    Observed observed(count, arena.thread_count());
    observed.run(arena, block);
    const auto once = [](const auto& visits) { return visits == 1; };
    CAPTURE(arena.thread_count());
    CAPTURE(count);
    CAPTURE(block);
    CHECK(std::all_of(observed.visits.begin(), observed.visits.end(), once));
    CHECK(observed.bad_blocks == 0);
    CHECK(observed.bad_threads == 0);
    CHECK(observed.shared_threads == 0);
}

TEST_SUITE("base") {
    TEST_CASE(
        "what is to be done before a block is done once for each, by the thread that runs it") {
        Arena arena(3);
        std::atomic<std::uint32_t> steps = 0;
        std::atomic<std::uint32_t> blocks = 0;
        std::atomic<std::uint32_t> others = 0;
        thread_local std::uint32_t of_thread = 0;
        of_thread = 0;
        arena.before_blocks([&] {
            ++steps;
            ++of_thread;
        });
        arena.parallel_for(1000, 7, [&](std::size_t, std::size_t, std::uint32_t) {
            ++blocks;
            if (of_thread-- == 0) ++others;
        });
        CHECK(blocks == 143);
        CHECK(steps == 143);
        CHECK(others == 0);
    }

    TEST_CASE("every index is visited once, in whole blocks, with scratch of one's own") {
        for (const std::uint32_t threads : {1U, 2U, 3U, 8U}) {
            const Arena arena(threads);
            REQUIRE(arena.thread_count() == threads);
            for (const std::size_t count : {0U, 1U, 2U, 63U, 64U, 65U, 1000U}) {
                for (const std::size_t block : {1U, 3U, 64U, 5000U})
                    check_blocks(arena, count, block);
            }
            CHECK(!arena.stopped());
        }
    }

    TEST_CASE("thread count 0 takes at least one core") {
        const Arena arena(0);
        REQUIRE(arena.thread_count() >= 1);
        Observed observed(500, arena.thread_count());
        observed.run(arena, 7);
        CHECK(observed.bad_threads == 0);
        CHECK(std::count(observed.visits.begin(), observed.visits.end(), 1U) == 500);
    }

    TEST_CASE("sums kept per block are the same for any number of threads") {
        const auto sums = [](std::uint32_t threads) {
            std::vector<float> blocks(17);
            const Arena arena(threads);
            arena.parallel_for(1000, 60, [&](std::size_t begin, std::size_t end, auto) {
                for (std::size_t i = begin; i < end; ++i)
                    blocks[begin / 60] += 1.0F / static_cast<float>(i + 1);
            });
            return blocks;
        };
        const auto one = sums(1);
        CHECK(one.front() > one.back());
        CHECK(one.back() > 0);
        CHECK(sums(2) == one);
        CHECK(sums(5) == one);
    }

    TEST_CASE("a stop that was requested before skips all work") {
        std::stop_source source;
        const Arena arena(3, source.get_token());
        CHECK(!arena.stopped());
        source.request_stop();
        CHECK(arena.stopped());
        std::atomic<int> calls = 0;
        arena.parallel_for(100, 1, [&](auto, auto, auto) { ++calls; });
        CHECK(calls == 0);
    }

    TEST_CASE("more threads than any machine has are an error") {
        CHECK(check_thread_count(0));
        CHECK(check_thread_count(kMaxThreads));
        const Status status = check_thread_count(kMaxThreads + 1);
        REQUIRE_FALSE(status);
        CHECK(status.error().code == ErrorCode::kInvalidArgument);
        CHECK(status.error().message == "threads: expected 0 to 1024, found 1025");
    }

    TEST_CASE("threads that can be started are no error") {
        CHECK(check_threads_start(0));
        CHECK(check_threads_start(8));
        CHECK(check_threads_start(kMaxThreads + 1).error().code == ErrorCode::kInvalidArgument);
    }

    TEST_CASE("a stop while working lets blocks that have begun finish and skips the others") {
        std::stop_source source;
        const Arena arena(1, source.get_token());
        std::vector<std::size_t> begun;
        arena.parallel_for(1000, 10, [&](std::size_t begin, auto, auto) {
            begun.push_back(begin);
            if (begun.size() == 3) source.request_stop();
        });
        CHECK(begun.size() == 3);
        CHECK(arena.stopped());
    }
}

}  // namespace
}  // namespace trackway::base
