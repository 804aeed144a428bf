#include "base/arena.h"

#include "base/assert.h"
#include "base/errors.h"
#include "base/machine.h"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <cerrno>
#include <latch>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace trackway::base {
namespace {

std::uint32_t resolve(std::uint32_t thread_count) {
    if (thread_count > 0) return thread_count;
    return usable_cores();
}

}  // namespace

struct Arena::Impl {
    explicit Impl(std::uint32_t threads)
        : control(oneapi::tbb::global_control::max_allowed_parallelism,
                  std::max<std::size_t>(threads, 2)),
          arena(static_cast<int>(threads), 1) {}

    oneapi::tbb::global_control control;  // lets --threads exceed the cores
    oneapi::tbb::task_arena arena;
};

Status check_thread_count(std::uint64_t thread_count) {
    if (thread_count <= kMaxThreads) return {};
    return fail(ErrorCode::kInvalidArgument,
                join("threads: expected 0 to ", kMaxThreads, ", found ", thread_count));
}

// oneTBB ends the program when it cannot start a thread, so as many are started before, all at
// once, and two more, since a thread that has ended counts for a moment longer.
Status check_threads_start(std::uint64_t thread_count) {
    TRACKWAY_TRY(check_thread_count(thread_count));
    const std::uint32_t wanted = resolve(static_cast<std::uint32_t>(thread_count));
    constexpr std::uint32_t kSpare = 2;
    std::latch may_end(1);
    std::vector<std::thread> threads;
    int error_number = 0;
    try {
        for (std::uint32_t i = 0; i < wanted + kSpare; ++i)
            threads.emplace_back([&] { may_end.wait(); });
    } catch (const std::system_error& error) {
        error_number = error.code().value();
    } catch (const std::bad_alloc&) {
        error_number = ENOMEM;
    }
    may_end.count_down();
    for (std::thread& thread : threads)
        thread.join();
    if (error_number == 0) return {};
    const std::size_t started = threads.size();
    const std::string advice =
        started > kSpare ? join("; ", started - kSpare, " can be: ask for so many") : "";
    return fail(
        ErrorCode::kOutOfMemory,
        join("threads: ", wanted, " cannot be started (",
             std::system_category().message(error_number),
             "): a limit of processes or of memory (ulimit -u, -v; of a container)", advice));
}

Arena::Arena(std::uint32_t thread_count, std::stop_token stop)
    : impl_(std::make_unique<Impl>(resolve(thread_count))), stop_(std::move(stop)) {}

Arena::~Arena() = default;

std::uint32_t Arena::thread_count() const noexcept {
    return static_cast<std::uint32_t>(impl_->arena.max_concurrency());
}

void Arena::parallel_for(std::size_t count, std::size_t block, const Body& body) const {
    TRACKWAY_ASSERT(block > 0);
    const std::size_t blocks = (count + block - 1) / block;
    const auto run = [&](std::size_t i) {
        fence_.load(std::memory_order_acquire);
        if (stop_.stop_requested()) return;
        if (before_block_) before_block_();
        const int thread = oneapi::tbb::this_task_arena::current_thread_index();
        body(i * block, std::min(count, (i + 1) * block), static_cast<std::uint32_t>(thread));
        fence_.fetch_add(1, std::memory_order_acq_rel);
    };
    fence_.fetch_add(1, std::memory_order_acq_rel);
    impl_->arena.execute([&] {
        oneapi::tbb::parallel_for(std::size_t{0}, blocks, run, oneapi::tbb::simple_partitioner());
    });
    fence_.load(std::memory_order_acquire);
}

}  // namespace trackway::base
