#include "search/scheduler.h"

#include "base/assert.h"
#include "base/errors.h"
#include "base/stopwatch.h"
#include "search/read_status.h"

#include <system_error>
#include <utility>

namespace trackway::search {

using base::fail;
using base::join;

Scheduler::Scheduler(const OpenedShard& shard, const SchedulerLimits& limits)
    : shard_(shard),
      view_(shard.view()),
      limits_(limits),
      buffers_(std::size_t{limits.reads_in_flight()} * shard.geometry().page_size_bytes) {
    const std::size_t page_size = shard.geometry().page_size_bytes;
    std::byte* buffer = buffers_.data();
    for (std::uint32_t i = 0; i < limits.queries_in_flight; ++i) {
        active_.push_back(std::make_unique<Active>(view_));
        active_.back()->reads.resize(limits.max_beam_width);
        for (io::PageRead& read : active_.back()->reads) {
            read.buffer = buffer;
            read.owner = i;
            buffer += page_size;
        }
        idle_.push_back(limits.queries_in_flight - 1 - i);
    }
    to_submit_.reserve(limits.reads_in_flight());
}

void Scheduler::run(QuerySource& source) {
    for (;;) {
        admit(source);
        if (idle_.size() == active_.size()) return;
        reader_->submit(to_submit_);
        to_submit_.clear();
        for (io::PageRead* read : reader_->reap())
            arrive(*read, source);
    }
}

void Scheduler::admit(QuerySource& source) {
    while (!idle_.empty()) {
        Active& active = *active_[idle_.back()];
        if (!source.take(active.ticket)) return;
        const std::uint32_t number = idle_.back();
        idle_.pop_back();
        begin(number, source);
    }
}

void Scheduler::begin(std::uint32_t number, QuerySource& source) {
    Active& active = *active_[number];
    TRACKWAY_ASSERT(active.ticket.params.beam_width <= limits_.max_beam_width);
    active.io_wait_ns = 0;
    active.started_ns = base::now_ns();
    active.visits.clear();
    active.status = located(active.search.start(active.ticket.query, active.ticket.params,
                                                active.ticket.record ? &active.visits : nullptr));
    go_on(number, source);
}

// Reads what the search wants next, or finishes it.
void Scheduler::go_on(std::uint32_t number, QuerySource& source) {
    Active& active = *active_[number];
    if (active.status && !active.search.done()) return issue(number);
    finish(active, source);
    idle_.push_back(number);
}

// A search knows the offset, not the file.
Status Scheduler::located(Status status) const {
    if (!status) {
        status.error().message.insert(0, shard_.file.file.path().string() + ": ");
    }
    return status;
}

void Scheduler::issue(std::uint32_t number) {
    Active& active = *active_[number];
    active.issued_ns = base::now_ns();
    for (const PageId page : active.search.wanted()) {
        io::PageRead& read = active.reads[active.outstanding++];
        read.offset = shard_.geometry().offset_of(page);
        to_submit_.push_back(&read);
    }
}

void Scheduler::arrive(io::PageRead& read, QuerySource& source) {
    Active& active = *active_[read.owner];
    const layouts::PageGeometry& geometry = shard_.geometry();
    Status status = read_status(shard_.file, read);
    if (--active.outstanding == 0) active.io_wait_ns += base::now_ns() - active.issued_ns;
    if (status && active.status) {
        const PageId page{static_cast<std::uint32_t>(read.offset / geometry.page_size_bytes - 1)};
        status = located(active.search.absorb(page, {read.buffer, geometry.page_size_bytes}));
    }
    if (!status && active.status) active.status = std::move(status);
    if (active.outstanding == 0) go_on(read.owner, source);
}

void Scheduler::finish(Active& active, QuerySource& source) {
    const QueryTicket& ticket = active.ticket;
    const auto found = active.search.found();
    if (active.status && found.size() < ticket.params.k) {
        active.status = fail(ErrorCode::kCorruption,
                             join(shard_.file.file.path().string(), ": expected to reach ",
                                  ticket.params.k, " vertices, found ", found.size()));
    }
    if (active.status) {
        // Kernels make smaller nearer; users expect the inner product itself.
        const bool product = shard_.file.description.metric == Metric::kInnerProduct;
        for (std::size_t i = 0; i < ticket.params.k; ++i) {
            ticket.out[i] = {VectorId{found[i].vertex},
                             product ? -found[i].distance : found[i].distance};
        }
    }
    if (ticket.stats != nullptr) {
        const beam::BeamCounts& counts = active.search.counts();
        *ticket.stats = {
            .latency_ns = base::now_ns() - active.started_ns,
            .io_wait_ns = active.io_wait_ns,
            .bytes_read = std::uint64_t{counts.pages} * shard_.geometry().page_size_bytes,
            .pages_read = counts.pages,
            .pages_from_cache = counts.expanded_hot,
            .hops = counts.hops,
            .estimates = counts.estimates,
            .exact_distances = counts.exact_distances};
    }
    source.finish(ticket, std::move(active.status), active.visits);
    active.status = {};
}

}  // namespace trackway::search
