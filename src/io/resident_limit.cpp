#include "io/resident_limit.h"

#include "base/resident_memory.h"

#include <chrono>
#include <sys/mman.h>

namespace trackway::io {
namespace {

// A thread can touch some 30 MB of mapped pages in a millisecond.
constexpr std::chrono::microseconds kRarely{1000};
constexpr std::chrono::microseconds kOften{200};
constexpr std::uint64_t kWorthwhile = std::uint64_t{2} << 20U;
constexpr std::uint64_t kNear = std::uint64_t{64} << 20U;

}  // namespace

ResidentLimit::ResidentLimit(std::uint64_t limit_bytes)
    : limit_(limit_bytes), watcher_([this] { watch(); }) {}

ResidentLimit::~ResidentLimit() {
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

// Without regions there is nothing to give back: then it sleeps.
void ResidentLimit::watch() {
    std::unique_lock lock(mutex_);
    while (!done_) {
        changed_.wait(lock, [this] { return done_ || !regions_.empty(); });
        if (done_) return;
        const std::uint64_t resident = base::resident_bytes();
        // What cannot be given back must not be tried again and again.
        if (resident > limit_ && resident > left_ + kWorthwhile) {
            give_back();
            left_ = base::resident_bytes();
        }
        changed_.wait_for(lock, resident + kNear > limit_ ? kOften : kRarely);
    }
}

void ResidentLimit::give_back() {
    for (const std::span<std::byte> region : regions_)
        madvise(region.data(), region.size(), MADV_DONTNEED);
}

}  // namespace trackway::io
