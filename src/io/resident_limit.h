// Keeps the memory of a program within a limit while it works on mapped files: what is resident of
// them is given back when there is too much, and read again when it is needed.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace trackway::io {

class ResidentLimit {
public:
    explicit ResidentLimit(std::uint64_t limit_bytes) : limit_(limit_bytes) {}
    ResidentLimit(const ResidentLimit&) = delete;
    ResidentLimit& operator=(const ResidentLimit&) = delete;
    ResidentLimit(ResidentLimit&&) = delete;
    ResidentLimit& operator=(ResidentLimit&&) = delete;
    ~ResidentLimit();

    // Shared mappings of files, page aligned: nothing written to them is lost.
    void add(std::span<std::byte> region);
    void remove(std::span<std::byte> region);

    // For threads that use mapped files, between two steps of at most some milliseconds: gives back
    // what is too much before they take more. Costs a look at the clock, now and then one at
    // resident memory.
    void keep();
    // Does the same from a thread of its own, for those that do not; on a busy machine it may come
    // late. Call at most once.
    void watch();
    // Gives back what is mapped -> bytes that are left below the limit.
    std::uint64_t room();

private:
    void run_watcher();
    std::uint64_t keep_locked();
    void give_back_locked();

    std::uint64_t limit_;
    std::uint64_t left_ = 0;  // after the last time
    std::atomic<std::uint64_t> next_look_ns_ = 0;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::span<std::byte>> regions_;
    bool done_ = false;
    std::thread watcher_;  // after watch(); last: it uses all the others
};

}  // namespace trackway::io
