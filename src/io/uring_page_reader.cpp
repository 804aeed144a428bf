// Page reads through io_uring: registered files and buffers, one system call for submitting and
// waiting. The only user of liburing.
#include "base/assert.h"
#include "base/errors.h"
#include "io/page_reader.h"
#include "io/read_slots.h"

#include <liburing.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <sys/uio.h>
#include <utility>
#include <vector>

namespace trackway::io {
namespace {

// A new ring may lie where a closed one lay. The kernel orders the two, by system calls that
// ThreadSanitizer does not see, since liburing makes them without the C library; this shows it.
std::atomic<unsigned> rings_closed{0};

class UringPageReader final : public PageReader {
public:
    explicit UringPageReader(const PageReaderSetup& setup)
        : buffers_(setup.buffers), depth_(setup.depth), slots_(setup.depth, setup.page_size_bytes) {
        for (const File* file : setup.files)
            descriptors_.push_back(file->descriptor());
        finished_.reserve(depth_);
    }

    UringPageReader(const UringPageReader&) = delete;
    UringPageReader& operator=(const UringPageReader&) = delete;
    ~UringPageReader() override {
        while (!slots_.is_idle())
            reap();
        if (!open_) return;
        rings_closed.fetch_add(1, std::memory_order_release);
        io_uring_queue_exit(&ring_);
    }

    Status open() {
        TRACKWAY_TRY(open_ring());
        description_ += register_files() ? ", registered files" : ", plain files";
        description_ += register_buffers()
                            ? ", registered buffers"
                            : ", plain buffers (the kernel refused to register them)";
        return is_disabled_ ? restrict_and_enable() : Status();
    }

    void submit(std::span<PageRead* const> reads) override {
        TRACKWAY_ASSERT(reads.size() <= slots_.free_count());
        for (PageRead* read : reads)
            prepare(slots_.take(*read));
        io_uring_submit(&ring_);
    }

    // Completions are collected first and handled after, so that no caller runs inside the ring;
    // they are counted here, since one wait may return those of an earlier submission.
    std::span<PageRead* const> reap() override {
        finished_.clear();
        while (finished_.empty() && !slots_.is_idle()) {
            const int submitted = io_uring_submit_and_wait(&ring_, 1);
            // Interrupted, or the kernel is short of memory or completion space: all of these pass.
            const bool passing = submitted == -EINTR || submitted == -EAGAIN ||
                                 submitted == -EBUSY || submitted == -ENOMEM;
            TRACKWAY_ASSERT(submitted >= 0 || passing);
            collect();
        }
        return finished_;
    }

    std::size_t free_slots() const noexcept override { return slots_.free_count(); }
    const char* engine() const noexcept override { return "uring"; }
    const std::string& description() const noexcept override { return description_; }

private:
    Status open_ring() {
        struct Attempt {
            unsigned flags;
            const char* name;
        };
        // Disabled until it is restricted; the oldest kernels know no restrictions.
        static constexpr std::array<Attempt, 4> kAttempts = {
            {{IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED,
              "io_uring: single issuer, deferred task work"},
             {IORING_SETUP_COOP_TASKRUN | IORING_SETUP_R_DISABLED,
              "io_uring: cooperative task work"},
             {IORING_SETUP_R_DISABLED, "io_uring: no setup flags"},
             {0, "io_uring: no setup flags, no restrictions"}}};
        int failed = 0;
        for (const Attempt& attempt : kAttempts) {
            failed = io_uring_queue_init(depth_, &ring_, attempt.flags);
            if (failed == 0) {
                open_ = true;
                static_cast<void>(rings_closed.load(std::memory_order_acquire));
                // No more than depth_ are ever in flight: the completion queue cannot overflow.
                TRACKWAY_ASSERT(ring_.cq.ring_entries >= depth_);
                is_disabled_ = (attempt.flags & IORING_SETUP_R_DISABLED) != 0;
                description_ = attempt.name;
                io_uring_register_ring_fd(&ring_);  // saves a lookup per call; optional
                return {};
            }
            if (failed != -EINVAL) break;  // not a matter of flags that the kernel does not know
        }
        return base::fail_errno(-failed, "io_uring is not available");
    }

    // From here on the ring reads, from the registered files if they are, and does nothing else.
    Status restrict_and_enable() {
        std::array<io_uring_restriction, 3> rules{};
        rules[0].opcode = IORING_RESTRICTION_SQE_OP;
        rules[0].sqe_op = fixed_buffers_ ? IORING_OP_READ_FIXED : IORING_OP_READ;
        rules[1].opcode = fixed_files_ ? IORING_RESTRICTION_SQE_FLAGS_REQUIRED
                                       : IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
        rules[1].sqe_flags = fixed_files_ ? IOSQE_FIXED_FILE : 0;
        rules[2].opcode = IORING_RESTRICTION_REGISTER_OP;
        rules[2].register_op = IORING_UNREGISTER_RING_FDS;  // on the way out
        // By number: liburing 2.3 declares functions of both without exporting them.
        const auto fd = static_cast<unsigned>(ring_.ring_fd);
        int failed = io_uring_register(fd, IORING_REGISTER_RESTRICTIONS, rules.data(),
                                       static_cast<unsigned>(rules.size()));
        if (failed == 0) failed = io_uring_register(fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
        if (failed != 0) return base::fail_errno(-failed, "io_uring cannot be restricted to reads");
        description_ += ", restricted to reads";
        return {};
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
        const ReadSlots::Rest rest = slots_.rest_of(slot);
        const int file = fixed_files_ ? static_cast<int>(rest.file) : descriptors_[rest.file];
        if (fixed_buffers_) {
            io_uring_prep_read_fixed(entry, file, rest.buffer, rest.size_bytes, rest.offset, 0);
        } else {
            io_uring_prep_read(entry, file, rest.buffer, rest.size_bytes, rest.offset);
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
        PageRead* read = slots_.complete(slot, result);
        if (read == nullptr) return prepare(slot);
        finished_.push_back(read);
    }

    std::span<std::byte> buffers_;
    std::uint32_t depth_;
    ReadSlots slots_;
    io_uring ring_{};
    bool open_ = false;
    bool is_disabled_ = false;
    bool fixed_files_ = false;
    bool fixed_buffers_ = false;
    std::string description_;
    std::vector<int> descriptors_;
    std::vector<PageRead*> finished_;
};

}  // namespace

Result<std::unique_ptr<PageReader>> open_uring_page_reader(const PageReaderSetup& setup) {
    auto reader = std::make_unique<UringPageReader>(setup);
    TRACKWAY_TRY(reader->open());
    return reader;
}

}  // namespace trackway::io
