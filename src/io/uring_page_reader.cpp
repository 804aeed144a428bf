// Page reads through io_uring: registered files and buffers, one system call for submitting and
// waiting. The only user of liburing.
#include "base/assert.h"
#include "base/errors.h"
#include "io/page_reader.h"

#include <liburing.h>

#include <array>
#include <cerrno>
#include <sys/uio.h>
#include <utility>
#include <vector>

namespace trackway::io {
namespace {

class UringPageReader final : public PageReader {
public:
    explicit UringPageReader(const PageReaderSetup& setup)
        : buffers_(setup.buffers), page_size_(setup.page_size_bytes), depth_(setup.depth) {
        for (const File* file : setup.files)
            descriptors_.push_back(file->descriptor());
        in_flight_.resize(depth_);
        for (std::uint32_t i = 0; i < depth_; ++i)
            free_.push_back(i);
        finished_.reserve(depth_);
    }

    UringPageReader(const UringPageReader&) = delete;
    UringPageReader& operator=(const UringPageReader&) = delete;
    ~UringPageReader() override {
        while (free_.size() < depth_)
            reap();
        if (open_) io_uring_queue_exit(&ring_);
    }

    Status open() {
        TRACKWAY_TRY(open_ring());
        description_ += register_files() ? ", registered files" : ", plain files";
        description_ += register_buffers()
                            ? ", registered buffers"
                            : ", plain buffers (the kernel refused to register them)";
        return {};
    }

    void submit(std::span<PageRead* const> reads) override {
        TRACKWAY_ASSERT(reads.size() <= free_.size());
        for (PageRead* read : reads) {
            const std::uint32_t slot = free_.back();
            free_.pop_back();
            in_flight_[slot] = {read, 0};
            prepare(slot);
        }
        io_uring_submit(&ring_);
    }

    // Completions are collected first and handled after, so that no caller runs inside the ring;
    // they are counted here, since one wait may return those of an earlier submission.
    std::span<PageRead* const> reap() override {
        finished_.clear();
        while (finished_.empty() && free_.size() < depth_) {
            const int submitted = io_uring_submit_and_wait(&ring_, 1);
            // Interrupted, or the kernel is short of memory or completion space: all of these pass.
            const bool passing = submitted == -EINTR || submitted == -EAGAIN ||
                                 submitted == -EBUSY || submitted == -ENOMEM;
            TRACKWAY_ASSERT(submitted >= 0 || passing);
            collect();
        }
        return finished_;
    }

    std::size_t free_slots() const noexcept override { return free_.size(); }
    const char* engine() const noexcept override { return "uring"; }
    const std::string& description() const noexcept override { return description_; }

private:
    struct InFlight {
        PageRead* read = nullptr;
        std::uint32_t done_bytes = 0;
    };

    Status open_ring() {
        struct Attempt {
            unsigned flags;
            const char* name;
        };
        static constexpr std::array<Attempt, 3> kAttempts = {
            {{IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
              "io_uring: single issuer, deferred task work"},
             {IORING_SETUP_COOP_TASKRUN, "io_uring: cooperative task work"},
             {0, "io_uring: no setup flags"}}};
        int failed = 0;
        for (const Attempt& attempt : kAttempts) {
            failed = io_uring_queue_init(depth_, &ring_, attempt.flags);
            if (failed == 0) {
                open_ = true;
                description_ = attempt.name;
                io_uring_register_ring_fd(&ring_);  // saves a lookup per call; optional
                return {};
            }
            if (failed != -EINVAL) break;  // not a matter of flags that the kernel does not know
        }
        return base::fail_errno(-failed, "io_uring is not available");
    }

    bool register_files() {
        fixed_files_ = io_uring_register_files(&ring_, descriptors_.data(),
                                               static_cast<unsigned>(descriptors_.size())) == 0;
        return fixed_files_;
    }

    bool register_buffers() {
        const iovec all{buffers_.data(), buffers_.size()};
        fixed_buffers_ = io_uring_register_buffers(&ring_, &all, 1) == 0;
        return fixed_buffers_;
    }

    void prepare(std::uint32_t slot) {
        io_uring_sqe* entry = io_uring_get_sqe(&ring_);
        TRACKWAY_ASSERT(entry != nullptr);  // the queue holds depth_ entries
        const InFlight& flight = in_flight_[slot];
        const PageRead& read = *flight.read;
        const int file = fixed_files_ ? static_cast<int>(read.file) : descriptors_[read.file];
        std::byte* buffer = read.buffer + flight.done_bytes;
        const std::uint32_t size = page_size_ - flight.done_bytes;
        const std::uint64_t offset = read.offset + flight.done_bytes;
        if (fixed_buffers_) {
            io_uring_prep_read_fixed(entry, file, buffer, size, offset, 0);
        } else {
            io_uring_prep_read(entry, file, buffer, size, offset);
        }
        if (fixed_files_) io_uring_sqe_set_flags(entry, IOSQE_FIXED_FILE);
        io_uring_sqe_set_data64(entry, slot);
    }

    void collect() {
        std::array<io_uring_cqe*, 64> entries{};
        for (;;) {
            const unsigned count = io_uring_peek_batch_cqe(&ring_, entries.data(), entries.size());
            for (unsigned i = 0; i < count; ++i)
                complete(static_cast<std::uint32_t>(entries[i]->user_data), entries[i]->res);
            io_uring_cq_advance(&ring_, count);
            if (count < entries.size()) return;
        }
    }

    void complete(std::uint32_t slot, int result) {
        InFlight& flight = in_flight_[slot];
        if (result == -EAGAIN || result == -EINTR) return prepare(slot);
        if (result > 0) {
            flight.done_bytes += static_cast<std::uint32_t>(result);
            if (flight.done_bytes < page_size_) return prepare(slot);
        }
        flight.read->result = result < 0 ? result : static_cast<int>(flight.done_bytes);
        finished_.push_back(flight.read);
        free_.push_back(slot);
    }

    std::span<std::byte> buffers_;
    std::uint32_t page_size_;
    std::uint32_t depth_;
    io_uring ring_{};
    bool open_ = false;
    bool fixed_files_ = false;
    bool fixed_buffers_ = false;
    std::string description_;
    std::vector<int> descriptors_;
    std::vector<InFlight> in_flight_;
    std::vector<std::uint32_t> free_;  // slots of in_flight_ that are not in use
    std::vector<PageRead*> finished_;
};

}  // namespace

Result<std::unique_ptr<PageReader>> open_uring_page_reader(const PageReaderSetup& setup) {
    auto reader = std::make_unique<UringPageReader>(setup);
    TRACKWAY_TRY(reader->open());
    return reader;
}

}  // namespace trackway::io
