// Keeps the memory of a program within a limit while it works on mapped files: what is resident of
// them is given back when there is too much, and read again when it is needed.
#pragma once

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
    // Watches resident memory from a thread of its own.
    explicit ResidentLimit(std::uint64_t limit_bytes);
    ResidentLimit(const ResidentLimit&) = delete;
    ResidentLimit& operator=(const ResidentLimit&) = delete;
    ResidentLimit(ResidentLimit&&) = delete;
    ResidentLimit& operator=(ResidentLimit&&) = delete;
    ~ResidentLimit();

    // Shared mappings of files, page aligned: nothing written to them is lost.
    void add(std::span<std::byte> region);
    void remove(std::span<std::byte> region);

private:
    void watch();
    void give_back();

    std::uint64_t limit_;
    std::uint64_t left_ = 0;  // after the last time
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::span<std::byte>> regions_;
    bool done_ = false;
    std::thread watcher_;  // last: it uses all the others
};

}  // namespace trackway::io
