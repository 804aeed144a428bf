#include "search/scheduler.h"

#include "base/assert.h"
#include "base/errors.h"
#include "base/stopwatch.h"
#include "search/read_status.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace trackway::search {

namespace {

// Reads are handed to the disk while others are still being used: it must not wait for a whole
// batch of arrivals.
constexpr std::uint32_t kSubmitBatch = 4;
constexpr std::uint32_t kRerankReads = 8;
// By the thread's queries together, where their beams adapt: fewer leave a disk idle, more make
// queries read pages that they would not have needed (bench/README.md).
constexpr std::uint32_t kReadsWanted = 8;
constexpr std::uint32_t kReadsMax = 16384;  // as Index::open() has it

}  // namespace

using base::fail;
using base::join;

Scheduler::Scheduler(const OpenedGraph& graph, const SchedulerLimits& limits)
    : graph_(graph),
      view_(graph.view()),
      limits_(limits),
      pool_(limits.queries_in_flight, reads_per_query(), graph.geometry().page_size_bytes) {
    for (std::uint32_t i = 0; i < limits.queries_in_flight; ++i) {
        active_.push_back(std::make_unique<Active>(view_));
        if (graph.exact) {
            const layouts::GraphDescription& description = graph.files.description();
            active_.back()->rerank.emplace(graph.exact->geometry, description.metric, graph.given,
                                           description.dimension);
        }
        idle_.push_back(limits.queries_in_flight - 1 - i);
    }
    to_submit_.reserve(std::size_t{limits.queries_in_flight} * reads_per_query());
}

// Reranking knows all its pages at once: even a search of beam width 1 then reads several.
std::uint32_t Scheduler::reads_per_query() const noexcept {
    if (!graph_.exact) return limits_.max_beam_width;
    const std::uint32_t room = std::max(kReadsMax / limits_.queries_in_flight, 1U);
    return std::max(limits_.max_beam_width, std::min(kRerankReads, room));
}

void Scheduler::run(QuerySource& source) {
    for (;;) {
        const bool more = admit(source);
        if (!more && idle_.size() == active_.size()) return;
        submit(1);
        for (const io::PageRead* read : reader_->reap()) {
            pool_.arrive(*read, [&](std::uint32_t number) { arrive(*read, number, source); });
            submit(kSubmitBatch);
        }
    }
}

// If there are so many.
void Scheduler::submit(std::size_t least) {
    if (to_submit_.size() < least) return;
    reader_->submit(to_submit_);
    to_submit_.clear();
}

// False when the source has no query left. Queries that need no read give their room back at once:
// no more than fit are begun before arrivals are looked at.
bool Scheduler::admit(QuerySource& source) {
    for (std::size_t i = 0; i < active_.size() && !idle_.empty(); ++i) {
        Active& active = *active_[idle_.back()];
        if (!source.take(active.ticket)) return false;
        const std::uint32_t number = idle_.back();
        idle_.pop_back();
        begin(number, source);
        submit(kSubmitBatch);
    }
    return true;
}

void Scheduler::begin(std::uint32_t number, QuerySource& source) {
    Active& active = *active_[number];
    TRACKWAY_ASSERT(active.ticket.params.beam_width <= limits_.max_beam_width);
    active.joined = 0;
    active.io_wait_ns = 0;
    active.started_ns = base::now_ns();
    active.visits.clear();
    active.reranks = false;
    beam::BeamParams params = active.ticket.params;
    params.k = std::max(params.k, active.ticket.rerank);
    if (params.beam_width == 0) params.beam_width = beam_width();
    active.status = located(active.search.start(active.ticket.query, params,
                                                active.ticket.record ? &active.visits : nullptr),
                            active);
    go_on(number, source);
}

// Reads what the query wants next, or finishes it.
void Scheduler::go_on(std::uint32_t number, QuerySource& source) {
    Active& active = *active_[number];
    const bool searched = active.status && !active.reranks && active.search.done();
    if (searched && active.ticket.rerank > 0) begin_rerank(active);
    pool_.release(number);
    if (active.status && !wanted_by(active).empty()) return issue(number);
    finish(active, source);
    idle_.push_back(number);
}

std::span<const PageId> Scheduler::wanted_by(const Active& active) const noexcept {
    return active.reranks ? active.rerank->wanted() : active.search.wanted();
}

void Scheduler::begin_rerank(Active& active) const {
    TRACKWAY_ASSERT(active.rerank.has_value());
    active.reranks = true;
    const auto found = active.search.found();
    active.rerank->start(active.ticket.given,
                         found.first(std::min<std::size_t>(found.size(), active.ticket.rerank)),
                         active.ticket.params.k, reads_per_query());
}

// A search knows the offset, not the file.
Status Scheduler::located(Status status, const Active& active) const {
    if (!status) {
        const io::File& file = file_of(active, active.search.failed_page());
        status.error().message.insert(0, file.path().string() + ": ");
    }
    return status;
}

// Pages of exact vectors lie in one file, those of vertices in one for each shard.
std::uint32_t Scheduler::file_number(const Active& active, PageId page) const noexcept {
    if (active.reranks) return static_cast<std::uint32_t>(graph_.files.shards().size());
    return graph_.geometry().shard_of(page);
}

const io::File& Scheduler::file_of(const Active& active, PageId page) const noexcept {
    return active.reranks ? graph_.exact->file : graph_.files.file_of(page);
}

std::uint64_t Scheduler::offset_of(const Active& active, PageId page) const noexcept {
    return active.reranks ? graph_.exact->geometry.offset_of(page)
                          : graph_.geometry().offset_of(page);
}

PageId Scheduler::page_of(const Active& active, const io::PageRead& read) const noexcept {
    const auto number =
        static_cast<std::uint32_t>(read.offset / graph_.geometry().page_size_bytes - 1);
    const auto shards = graph_.files.shards();
    return PageId{active.reranks ? number : shards[read.file].extent.first_page + number};
}

void Scheduler::issue(std::uint32_t number) {
    Active& active = *active_[number];
    active.issued_ns = base::now_ns();
    for (const PageId page : wanted_by(active)) {
        ++active.outstanding;
        io::PageRead* read = pool_.want(number, file_number(active, page), offset_of(active, page));
        if (read != nullptr) {
            to_submit_.push_back(read);
        } else {
            ++active.joined;
        }
    }
}

// Few queries read several pages at a time each, so that the disk has enough to do; many read one:
// that takes fewest pages. The last queries of a batch are few again.
std::uint32_t Scheduler::beam_width() const noexcept {
    const auto queries = static_cast<std::uint32_t>(active_.size() - idle_.size());
    const std::uint32_t share = kReadsWanted / std::max(queries, 1U);
    return std::clamp(share, 1U, std::min(kAdaptiveBeamMax, limits_.max_beam_width));
}

void Scheduler::arrive(const io::PageRead& read, std::uint32_t number, QuerySource& source) {
    Active& active = *active_[number];
    const layouts::PageGeometry& geometry = graph_.geometry();
    const PageId page = page_of(active, read);
    Status status = read_status(file_of(active, page), geometry.page_size_bytes, read);
    if (--active.outstanding == 0) active.io_wait_ns += base::now_ns() - active.issued_ns;
    if (status && active.status) {
        const std::span<const std::byte> bytes(read.buffer, geometry.page_size_bytes);
        if (active.ticket.params.beam_width == 0) active.search.set_beam_width(beam_width());
        status = located(
            active.reranks ? active.rerank->absorb(page, bytes) : active.search.absorb(page, bytes),
            active);
    }
    if (!status && active.status) active.status = std::move(status);
    if (active.outstanding == 0) go_on(number, source);
}

void Scheduler::finish(Active& active, QuerySource& source) {
    const QueryTicket& ticket = active.ticket;
    const auto found = active.reranks ? active.rerank->found() : active.search.found();
    if (active.status && found.size() < ticket.params.k) {
        active.status =
            fail(ErrorCode::kCorruption,
                 join(graph_.files.shards().front().file.path().string(), ": expected to reach ",
                      ticket.params.k, " vertices, found ", found.size()));
    }
    if (active.status) {
        // Kernels make smaller nearer; users expect the inner product itself.
        const bool product = graph_.files.description().metric == Metric::kInnerProduct;
        for (std::size_t i = 0; i < ticket.params.k; ++i) {
            ticket.out[i] = {VectorId{found[i].vertex},
                             product ? -found[i].distance : found[i].distance};
        }
    }
    if (ticket.stats != nullptr) {
        const beam::BeamCounts& counts = active.search.counts();
        const std::uint32_t rerank_pages = active.reranks ? active.rerank->pages() : 0;
        const std::uint32_t reranked = active.reranks ? active.rerank->exact_distances() : 0;
        const std::uint32_t pages = counts.pages + rerank_pages;
        *ticket.stats = {
            .latency_ns = base::now_ns() - active.started_ns,
            .io_wait_ns = active.io_wait_ns,
            .bytes_read = std::uint64_t{pages - active.joined} * graph_.geometry().page_size_bytes,
            .pages_read = pages,
            .pages_joined = active.joined,
            .pages_from_cache = counts.expanded_resident,
            .hops = counts.hops,
            .estimates = counts.estimates,
            .exact_distances = counts.exact_distances + reranked,
            .rerank_pages = rerank_pages};
    }
    source.finish(ticket, std::move(active.status), active.visits);
    active.status = {};
}

}  // namespace trackway::search
