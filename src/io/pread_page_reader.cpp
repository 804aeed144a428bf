// Page reads by blocking pread on a few threads: for kernels and containers without io_uring.
#include "base/assert.h"
#include "base/errors.h"
#include "io/page_reader.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

namespace trackway::io {
namespace {

constexpr std::uint32_t kThreadsMax = 16;

// mutex_ guards waiting_, completed_ and closing_. Once it runs, nothing is allocated.
class PreadPageReader final : public PageReader {
public:
    PreadPageReader(const PageReaderSetup& setup, const std::string& reason)
        : page_size_(setup.page_size_bytes), depth_(setup.depth), waiting_(depth_) {
        finished_.reserve(depth_);
        completed_.reserve(depth_);
        for (const File* file : setup.files)
            descriptors_.push_back(file->descriptor());
        const std::uint32_t threads = std::min(depth_, kThreadsMax);
        description_ = base::join("pread on ", threads, " threads");
        if (!reason.empty()) description_ += base::join(" (", reason, ")");
    }

    Status start() {
        try {
            while (threads_.size() < std::min(depth_, kThreadsMax))
                threads_.emplace_back([this] { work(); });
        } catch (const std::system_error& error) {
            return base::fail_errno(error.code().value(), "cannot start the reading threads");
        }
        return {};
    }

    PreadPageReader(const PreadPageReader&) = delete;
    PreadPageReader& operator=(const PreadPageReader&) = delete;
    ~PreadPageReader() override {
        while (in_flight_ > 0)
            reap();
        {
            const std::lock_guard lock(mutex_);
            closing_ = true;
        }
        work_arrived_.notify_all();
        for (std::thread& thread : threads_)
            thread.join();
    }

    void submit(std::span<PageRead* const> reads) override {
        TRACKWAY_ASSERT(reads.size() <= free_slots());
        {
            const std::lock_guard lock(mutex_);
            for (PageRead* read : reads)
                waiting_[(first_waiting_ + waiting_count_++) % depth_] = read;
        }
        in_flight_ += reads.size();
        if (reads.size() == 1) {
            work_arrived_.notify_one();
        } else {
            work_arrived_.notify_all();
        }
    }

    std::span<PageRead* const> reap() override {
        finished_.clear();
        if (in_flight_ == 0) return finished_;
        std::unique_lock lock(mutex_);
        work_finished_.wait(lock, [this] { return !completed_.empty(); });
        std::swap(finished_, completed_);
        in_flight_ -= finished_.size();
        return finished_;
    }

    std::size_t free_slots() const noexcept override { return depth_ - in_flight_; }
    const char* engine() const noexcept override { return "pread"; }
    const std::string& description() const noexcept override { return description_; }

private:
    void work() {
        std::unique_lock lock(mutex_);
        for (;;) {
            work_arrived_.wait(lock, [this] { return closing_ || waiting_count_ > 0; });
            if (waiting_count_ == 0) return;
            PageRead* read = waiting_[first_waiting_];
            first_waiting_ = (first_waiting_ + 1) % depth_;
            --waiting_count_;
            lock.unlock();
            read->result = read_page(*read);
            lock.lock();
            completed_.push_back(read);
            work_finished_.notify_one();
        }
    }

    int read_page(const PageRead& read) const noexcept {
        std::size_t done = 0;
        while (done < page_size_) {
            const ssize_t got = pread(descriptors_[read.file], read.buffer + done,
                                      page_size_ - done, static_cast<off_t>(read.offset + done));
            if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
            if (got < 0) return -errno;
            if (got == 0) break;
            done += static_cast<std::size_t>(got);
        }
        return static_cast<int>(done);
    }

    std::uint32_t page_size_;
    std::uint32_t depth_;
    std::string description_;
    std::vector<int> descriptors_;
    std::size_t in_flight_ = 0;
    std::vector<PageRead*> finished_;

    std::mutex mutex_;
    std::condition_variable work_arrived_;
    std::condition_variable work_finished_;
    std::vector<PageRead*> waiting_;  // a ring: waiting_count_ of them, from first_waiting_ on
    std::size_t first_waiting_ = 0;
    std::size_t waiting_count_ = 0;
    std::vector<PageRead*> completed_;
    bool closing_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace

Result<std::unique_ptr<PageReader>> open_pread_page_reader(const PageReaderSetup& setup,
                                                           const std::string& reason) {
    auto reader = std::make_unique<PreadPageReader>(setup, reason);
    TRACKWAY_TRY(reader->start());
    return reader;
}

}  // namespace trackway::io
