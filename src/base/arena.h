// The one pool of building threads; arena.cpp is the only user of TBB. Work is cut into fixed
// blocks that do not depend on the thread count, so results that are kept per block are the same
// for any number of threads.
#pragma once

#include "trackway/result.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <utility>

namespace trackway::base {

// More than a machine has only cost memory: an error that says what was found.
constexpr std::uint32_t kMaxThreads = 1024;
Status check_thread_count(std::uint64_t thread_count);
// The same, and whether an Arena can start as many now (0: one for each core): kOutOfMemory where a
// limit of processes or of memory forbids it. Before an Arena is made.
Status check_threads_start(std::uint64_t thread_count);

class Arena {
public:
    // thread_count 0: all cores of the machine that this program may use. REQUIRES: at most
    // kMaxThreads.
    explicit Arena(std::uint32_t thread_count, std::stop_token stop = {});
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;
    ~Arena();

    std::uint32_t thread_count() const noexcept;

    // True once a stop was requested: blocks not yet begun are skipped, so callers must not use
    // what parallel_for was to compute.
    bool stopped() const noexcept { return stop_.stop_requested(); }

    // body(begin, end, thread) for each block [begin, end) of [0, count); thread < thread_count()
    // names the scratch that the call may use. body must not throw.
    using Body = std::function<void(std::size_t begin, std::size_t end, std::uint32_t thread)>;
    void parallel_for(std::size_t count, std::size_t block, const Body& body) const;

    // Called before every block, by the thread that will run it; must not throw. Not while
    // parallel_for() runs.
    void before_blocks(std::function<void()> step) { before_block_ = std::move(step); }

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
    std::function<void()> before_block_;
    std::stop_token stop_;
    // Orders what a block did before what its caller does next, in terms that ThreadSanitizer sees:
    // it does not look into libtbb.
    mutable std::atomic<std::uint64_t> fence_ = 0;
};

}  // namespace trackway::base
