#include "base/arena.h"

#include "base/assert.h"
#include "base/errors.h"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <utility>

namespace trackway::base {
namespace {

std::uint32_t resolve(std::uint32_t thread_count) {
    if (thread_count > 0) return thread_count;
    return static_cast<std::uint32_t>(std::max(1, oneapi::tbb::info::default_concurrency()));
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
