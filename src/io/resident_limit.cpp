#include "io/resident_limit.h"

#include "base/resident_memory.h"
#include "base/stopwatch.h"

#include <algorithm>
#include <chrono>
#include <sys/mman.h>

namespace trackway::io {
namespace {

// A thread can touch some 30 MB of mapped pages in a millisecond.
constexpr std::chrono::microseconds kRarely{1000};
constexpr std::chrono::microseconds kOften{200};
constexpr std::uint64_t kLookNs = 100'000;
constexpr std::uint64_t kWorthwhile = std::uint64_t{2} << 20U;
constexpr std::uint64_t kNear = std::uint64_t{64} << 20U;

}  // namespace

ResidentLimit::~ResidentLimit() {
    if (!watcher_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        done_ = true;
    }
    changed_.notify_all();
    watcher_.join();
}

void ResidentLimit::add(std::span<std::byte> region) {
    const std::lock_guard lock(mutex_);
    regions_.push_back(region);
    changed_.notify_all();
}

void ResidentLimit::remove(std::span<std::byte> region) {
    const std::lock_guard lock(mutex_);
    std::erase_if(regions_, [&](const auto& known) { return known.data() == region.data(); });
}

void ResidentLimit::watch() {
    watcher_ = std::thread([this] { run_watcher(); });
}

// Without regions there is nothing to give back: then it sleeps.
void ResidentLimit::run_watcher() {
    std::unique_lock lock(mutex_);
    while (!done_) {
        changed_.wait(lock, [this] { return done_ || !regions_.empty(); });
        if (done_) return;
        changed_.wait_for(lock, keep_locked() + kNear > limit_ ? kOften : kRarely);
    }
}

// All threads together look this often. One that finds too much waits until it is given back.
void ResidentLimit::keep() {
    const std::uint64_t now = base::now_ns();
    std::uint64_t next = next_look_ns_.load(std::memory_order_relaxed);
    if (now < next || !next_look_ns_.compare_exchange_strong(next, now + kLookNs)) return;
    const std::uint64_t resident = base::resident_bytes();
    if (resident + kNear > limit_) next_look_ns_ = now + kLookNs / 4;
    if (resident <= limit_) return;
    const std::lock_guard lock(mutex_);
    keep_locked();
}

// What was resident before.
std::uint64_t ResidentLimit::keep_locked() {
    const std::uint64_t resident = base::resident_bytes();
    if (resident <= limit_) left_ = 0;
    // What cannot be given back must not be tried again and again.
    if (resident > limit_ && resident > left_ + kWorthwhile) give_back_locked();
    return resident;
}

void ResidentLimit::give_back_locked() {
    for (const std::span<std::byte> region : regions_)
        madvise(region.data(), region.size(), MADV_DONTNEED);
    left_ = base::resident_bytes();
}

std::uint64_t ResidentLimit::room() {
    const std::lock_guard lock(mutex_);
    give_back_locked();
    return limit_ - std::min(limit_, left_);
}

}  // namespace trackway::io
