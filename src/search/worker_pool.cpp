#include "search/worker_pool.h"

#include "base/errors.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace trackway::search {
namespace {

constexpr std::size_t kRecordedMax = std::size_t{16} << 20U;  // numbers, 64 MiB

constexpr std::uint32_t kSlotsAtFirst = 64;  // of a thread

}  // namespace

Result<std::unique_ptr<WorkerPool>> WorkerPool::start(OpenedShards& shards,
                                                      const OpenOptions& options,
                                                      std::uint32_t thread_count,
                                                      const OpenReader& open_reader) {
    std::unique_ptr<WorkerPool> pool(new WorkerPool());
    pool->record_share_ = options.record_share;
    try {
        for (std::uint32_t i = 0; i < thread_count; ++i) {
            pool->threads_.emplace_back([&shards, options, open_reader, raw = pool.get()] {
                raw->work(shards, options, open_reader);
            });
        }
    } catch (const std::system_error& error) {
        return base::fail_errno(error.code().value(), "cannot start the searching threads");
    }
    std::unique_lock lock(pool->mutex_);
    pool->batch_finished_.wait(lock, [&] { return pool->ready_ == thread_count; });
    if (!pool->start_status_) {
        Error error = pool->start_status_.error();
        lock.unlock();
        return tl::unexpected(std::move(error));
    }
    lock.unlock();
    return pool;
}

WorkerPool::~WorkerPool() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    batch_arrived_.notify_all();
    for (std::thread& thread : threads_)
        thread.join();
}

void WorkerPool::work(OpenedShards& shards, const OpenOptions& options,
                      const OpenReader& open_reader) {
    std::uint32_t slots = std::min(options.queries_in_flight_per_thread, kSlotsAtFirst);
    const auto create = [&] {
        return base::guarded([&] {
            return Scheduler::create(
                shards, {slots, options.max_beam_width},
                [&](const io::PageReaderSetup& setup) { return open_reader(options.io, setup); });
        });
    };
    auto scheduler = create();
    report_ready(scheduler, shards);
    if (!scheduler) return;
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            batch_arrived_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
            if (closing_) return;
            const std::uint32_t wanted = slots_wanted(options);
            if (wanted > slots) {
                slots = wanted;
                scheduler = tl::unexpected(Error{});  // one with more room takes its place
            }
        }
        if (!scheduler) scheduler = create();
        if (!scheduler) {
            refuse_one(scheduler.error());
            continue;
        }
        const Status status = base::guarded([&]() -> Status {
            (*scheduler)->run(*this);
            return {};
        });
        if (status) continue;
        (*scheduler)->abandon(*this, status.error());
        scheduler = tl::unexpected(status.error());
    }
}

// Of one thread, for its share of the queries that wait; what a search needs is made when so many
// are asked for, not by what is allowed.
std::uint32_t WorkerPool::slots_wanted(const OpenOptions& options) const {
    std::uint64_t queries = 0;
    for (const Batch* batch : waiting_)
        queries += batch->queries.row_count - batch->next;
    const std::uint64_t share = (queries + threads_.size() - 1) / threads_.size();
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(options.queries_in_flight_per_thread, share));
}

// There is no scheduler for it.
void WorkerPool::refuse_one(const Error& error) {
    QueryTicket ticket;
    if (take(ticket)) finish(ticket, tl::unexpected(error), {});
}

void WorkerPool::report_ready(Result<std::unique_ptr<Scheduler>>& scheduler,
                              const OpenedShards& shards) {
    const std::lock_guard lock(mutex_);
    ++ready_;
    const Status status = base::guarded([&]() -> Status {
        if (!scheduler) return tl::unexpected(scheduler.error());
        io_engine_ = (*scheduler)->reader().engine();
        io_description_ = (*scheduler)->reader().description();
        io_description_ += shards.first_files().shards().front().file.is_direct()
                               ? ", direct I/O"
                               : ", through the page cache (no direct I/O on this file system)";
        return {};
    });
    if (!status) start_status_ = status;
    batch_finished_.notify_all();
}

Status WorkerPool::run(Batch& batch) {
    batch.unfinished = batch.queries.row_count;
    if (batch.unfinished == 0) return {};
    std::unique_lock lock(mutex_);
    waiting_.push_back(&batch);
    batch_arrived_.notify_all();
    batch_finished_.wait(lock, [&] { return batch.unfinished == 0; });
    return std::move(batch.status);
}

// Callers take turns, so that one with a single query need not wait for another's thousands.
bool WorkerPool::take(QueryTicket& ticket) {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return false;
    Batch& batch = *waiting_.front();
    const std::uint64_t number = batch.next++;
    if (batch.next < batch.queries.row_count) {
        waiting_.splice(waiting_.end(), waiting_, waiting_.begin());
    } else {
        waiting_.pop_front();
    }
    ticket = {.query = batch.queries.row(number),
              .options = batch.options,
              .given = batch.rerank > 0 ? batch.given.row(number) : nullptr,
              .rerank = batch.rerank,
              .out = batch.out + number * batch.options.params.k,
              .stats = batch.stats != nullptr ? batch.stats + number : nullptr,
              .record = record_next(),
              .batch = &batch,
              .number = number};
    return true;
}

// Evenly spread: every 1 / share-th query, until the room is full.
bool WorkerPool::record_next() {
    if (recorded_.size() >= kRecordedMax) return false;
    record_due_ += record_share_;
    if (record_due_ < 1) return false;
    record_due_ -= 1;
    return true;
}

std::vector<std::uint32_t> WorkerPool::recorded() const {
    const std::lock_guard lock(mutex_);
    return recorded_;
}

void WorkerPool::finish(const QueryTicket& ticket, Status status,
                        std::span<const std::uint32_t> visits) {
    auto& batch = *static_cast<Batch*>(ticket.batch);
    const std::lock_guard lock(mutex_);
    const std::size_t recorded = recorded_.size() + visits.size() + 1;
    if (ticket.record && status && recorded < kRecordedMax) {
        // First what may fail for want of memory.
        if (recorded > recorded_.capacity()) recorded_.reserve(2 * recorded);
        recorded_.push_back(static_cast<std::uint32_t>(visits.size()));
        recorded_.insert(recorded_.end(), visits.begin(), visits.end());
    }
    if (!status && batch.statuses != nullptr) {
        std::fill_n(ticket.out, batch.options.params.k, Neighbor{kNoVector, batch.farthest});
        batch.statuses[ticket.number] = std::move(status);
    } else if (!status && (batch.status || ticket.number < batch.failed_number)) {
        batch.status = std::move(status);
        batch.failed_number = ticket.number;
        drop_rest(batch);
    }
    // The batch is gone once its caller sees that nothing is unfinished.
    if (--batch.unfinished == 0) batch_finished_.notify_all();
}

// Queries that no thread has taken yet need not run: the call fails as a whole.
void WorkerPool::drop_rest(Batch& batch) {
    if (batch.next == batch.queries.row_count) return;
    batch.unfinished -= batch.queries.row_count - batch.next;
    batch.next = batch.queries.row_count;
    std::erase(waiting_, &batch);
}

}  // namespace trackway::search
