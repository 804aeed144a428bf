#include "search/scheduler.h"

#include "base/assert.h"
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

// As many as have room in the reader.
std::uint32_t probes_per_query(const OpenedShards& shards, const SchedulerLimits& limits) noexcept {
    const std::uint32_t room =
        std::max(kReadsMax / (limits.queries_in_flight * limits.max_beam_width), 1U);
    return std::min({Scatter::kAtOnce, shards.count(), room});
}

}  // namespace

Scheduler::Scheduler(OpenedShards& shards, const SchedulerLimits& limits)
    : shards_(shards),
      limits_(limits),
      probes_per_query_(probes_per_query(shards, limits)),
      files_(shards.files()),
      pool_(limits.queries_in_flight * probes_per_query_, reads_per_probe(),
            shards.page_size_bytes()) {
    const std::uint32_t probes = limits.queries_in_flight * probes_per_query_;
    for (std::uint32_t i = 0; i < limits.queries_in_flight; ++i) {
        queries_.push_back(std::make_unique<Query>(shards));
        idle_.push_back(limits.queries_in_flight - 1 - i);
    }
    for (std::uint32_t i = 0; i < probes; ++i)
        probes_.push_back(std::make_unique<Probe>());
    to_submit_.reserve(std::size_t{probes} * reads_per_probe());
}

// Reranking knows all its pages at once: even a search of beam width 1 then reads several.
std::uint32_t Scheduler::reads_per_probe() const noexcept {
    if (!shards_.has_exact()) return limits_.max_beam_width;
    const std::uint32_t room = std::max(kReadsMax / limits_.queries_in_flight, 1U);
    return std::max(limits_.max_beam_width, std::min(kRerankReads, room));
}

void Scheduler::run(QuerySource& source) {
    for (;;) {
        // Those that wait for room go first: new ones would keep it from them.
        const bool more = !stalled_.empty() || admit(source);
        retry_stalled(source);
        if (!more && idle_.size() == queries_.size()) return;
        submit(1);
        for (const io::PageRead* read : reader_->reap()) {
            pool_.arrive(*read, [&](std::uint32_t number) { arrive(*read, number, source); });
            submit(kSubmitBatch);
        }
    }
}

void Scheduler::abandon(QuerySource& source, const Error& error) {
    for (const std::unique_ptr<Probe>& probe : probes_)
        if (probe->graph != nullptr) shards_.unpin(probe->shard);
    for (std::uint32_t number = 0; number < queries_.size(); ++number) {
        if (std::find(idle_.begin(), idle_.end(), number) != idle_.end()) continue;
        source.finish(queries_[number]->scatter.ticket(), tl::unexpected(error), {});
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
    for (std::size_t i = 0; i < queries_.size() && !idle_.empty(); ++i) {
        QueryTicket ticket;
        if (!source.take(ticket)) return false;
        TRACKWAY_ASSERT(ticket.options.params.beam_width <= limits_.max_beam_width);
        const std::uint32_t number = idle_.back();
        idle_.pop_back();
        Query& query = *queries_[number];
        query.visits.clear();
        query.scatter.start(ticket);
        begin_probes(number, Waiting::kNever, source);
        submit(kSubmitBatch);
    }
    return true;
}

// As many as the query wants and there is room for; finishes it when it wants none and has none.
void Scheduler::begin_probes(std::uint32_t number, Waiting waiting, QuerySource& source) {
    Query& query = *queries_[number];
    if (query.is_stalled) return;  // it tries again later
    query.is_beginning = true;     // probes that end at once leave the rest to this loop
    while (query.running < probes_per_query_ && query.scatter.wants_another(query.running)) {
        const std::uint32_t shard = query.scatter.next();
        auto graph = waiting == Waiting::kForRoom ? shards_.pin(shard) : shards_.try_pin(shard);
        waiting = Waiting::kNever;
        if (graph && *graph == nullptr) {
            query.is_stalled = true;
            stalled_.push_back(number);
            break;
        }
        query.scatter.begin_next();
        if (graph) {
            begin(free_probe(number), {shard, *graph}, source);
        } else {
            query.scatter.fail(std::move(graph).error());
        }
    }
    query.is_beginning = false;
    if (query.running > 0 || query.is_stalled) return;
    Status status = query.scatter.finish();
    source.finish(query.scatter.ticket(), std::move(status), query.visits);
    idle_.push_back(number);
}

// REQUIRES: fewer than probes_per_query_ are running.
std::uint32_t Scheduler::free_probe(std::uint32_t query) const noexcept {
    std::uint32_t number = query * probes_per_query_;
    while (probes_[number]->graph != nullptr)
        ++number;
    return number;
}

// Queries whose next shard had no room try again. While no read is under way no probe of this
// thread holds tables: then it may wait until other threads let theirs go.
void Scheduler::retry_stalled(QuerySource& source) {
    again_.swap(stalled_);
    for (const std::uint32_t number : again_) {
        queries_[number]->is_stalled = false;
        begin_probes(number, waiting_ == 0 ? Waiting::kForRoom : Waiting::kNever, source);
    }
    again_.clear();
}

void Scheduler::begin(std::uint32_t number, PinnedShard pinned, QuerySource& source) {
    Probe& probe = *probes_[number];
    Query& query = query_of(number);
    const QueryTicket& ticket = query.scatter.ticket();
    const OpenedGraph& graph = *pinned.graph;
    ++query.running;
    probe.shard = pinned.shard;
    probe.graph = &graph;
    probe.view.emplace(graph.view());
    probe.search.use(*probe.view);
    if (graph.exact && !probe.rerank) {
        const layouts::GraphDescription& description = graph.files.description();
        probe.rerank.emplace(graph.exact->geometry, description.metric, graph.given,
                             description.dimension);
    }
    probe.joined = 0;
    probe.reranks = false;
    beam::BeamParams params = query.scatter.params_for(graph);
    if (params.beam_width == 0) params.beam_width = beam_width();
    probe.status = located(
        probe.search.start(ticket.query, params, ticket.record ? &query.visits : nullptr), probe);
    go_on(number, source);
}

// Reads what the probe wants next, or ends it.
void Scheduler::go_on(std::uint32_t number, QuerySource& source) {
    Probe& probe = *probes_[number];
    const QueryTicket& ticket = query_of(number).scatter.ticket();
    const bool searched = probe.status && !probe.reranks && probe.search.done();
    if (searched && ticket.rerank > 0) begin_rerank(probe, ticket);
    pool_.release(number);
    if (probe.status && !wanted_by(probe).empty()) return issue(number);
    end(number, source);
}

std::span<const PageId> Scheduler::wanted_by(const Probe& probe) const noexcept {
    return probe.reranks ? probe.rerank->wanted() : probe.search.wanted();
}

void Scheduler::begin_rerank(Probe& probe, const QueryTicket& ticket) const {
    TRACKWAY_ASSERT(probe.rerank.has_value());
    probe.reranks = true;
    const auto found = probe.search.found();
    probe.rerank->start(ticket.given,
                        found.first(std::min<std::size_t>(found.size(), ticket.rerank)),
                        ticket.options.params.k, reads_per_probe());
}

// A search knows the offset, not the file.
Status Scheduler::located(Status status, const Probe& probe) const {
    if (!status) {
        const io::File& file = file_of(probe, probe.search.failed_page());
        status.error().message.insert(0, file.path().string() + ": ");
    }
    return status;
}

// Pages of exact vectors lie in one file, the last; those of vertices in one for each shard file.
std::uint32_t Scheduler::file_number(const Probe& probe, PageId page) const noexcept {
    if (probe.reranks) return static_cast<std::uint32_t>(files_.size() - 1);
    return shards_.first_file(probe.shard) + probe.graph->geometry().shard_of(page);
}

const io::File& Scheduler::file_of(const Probe& probe, PageId page) const noexcept {
    return *files_[file_number(probe, page)];
}

std::uint64_t Scheduler::offset_of(const Probe& probe, PageId page) const noexcept {
    return probe.reranks ? probe.graph->exact->geometry.offset_of(page)
                         : probe.graph->geometry().offset_of(page);
}

PageId Scheduler::page_of(const Probe& probe, const io::PageRead& read) const noexcept {
    const auto number = static_cast<std::uint32_t>(read.offset / shards_.page_size_bytes() - 1);
    if (probe.reranks) return PageId{number};
    const std::uint32_t file = read.file - shards_.first_file(probe.shard);
    return PageId{probe.graph->files.shards()[file].extent.first_page + number};
}

void Scheduler::issue(std::uint32_t number) {
    Probe& probe = *probes_[number];
    Query& query = query_of(number);
    ++waiting_;
    if (query.waiting++ == 0) query.scatter.begin_waiting(base::now_ns());
    for (const PageId page : wanted_by(probe)) {
        ++probe.outstanding;
        io::PageRead* read = pool_.want(number, file_number(probe, page), offset_of(probe, page));
        if (read != nullptr) {
            to_submit_.push_back(read);
        } else {
            ++probe.joined;
        }
    }
}

// Few queries read several pages at a time each, so that the disk has enough to do; many read one:
// that takes fewest pages. The last queries of a batch are few again.
std::uint32_t Scheduler::beam_width() const noexcept {
    const auto queries = static_cast<std::uint32_t>(queries_.size() - idle_.size());
    const std::uint32_t share = kReadsWanted / std::max(queries, 1U);
    return std::clamp(share, 1U, std::min(kAdaptiveBeamMax, limits_.max_beam_width));
}

void Scheduler::arrive(const io::PageRead& read, std::uint32_t number, QuerySource& source) {
    Probe& probe = *probes_[number];
    Scatter& scatter = query_of(number).scatter;
    const PageId page = page_of(probe, read);
    Status status = read_status(file_of(probe, page), shards_.page_size_bytes(), read);
    if (--probe.outstanding == 0) {
        --waiting_;
        if (--query_of(number).waiting == 0) scatter.end_waiting(base::now_ns());
    }
    if (status && probe.status) {
        const std::span<const std::byte> bytes(read.buffer, shards_.page_size_bytes());
        if (scatter.ticket().options.params.beam_width == 0)
            probe.search.set_beam_width(beam_width());
        const bool shares = shards_.is_routed() && probe.outstanding == 0;
        SharedList& list = scatter.shared_list();
        if (shares) probe.search.set_bound(list.bound());
        status = located(
            probe.reranks ? probe.rerank->absorb(page, bytes) : probe.search.absorb(page, bytes),
            probe);
        if (shares)
            list.note(number_in_query(number), probe.search.frontier(), probe.search.found());
    }
    if (!status && probe.status) probe.status = std::move(status);
    if (probe.outstanding == 0) go_on(number, source);
}

// The probe is over: what it found is the query's, which may want another.
void Scheduler::end(std::uint32_t number, QuerySource& source) {
    Probe& probe = *probes_[number];
    Query& query = query_of(number);
    SharedList& list = query.scatter.shared_list();
    if (probe.status) {
        if (shards_.is_routed()) list.end(number_in_query(number), probe.search.frontier());
        const beam::BeamCounts& counts = probe.search.counts();
        const std::uint32_t rerank_pages = probe.reranks ? probe.rerank->pages() : 0;
        const std::uint32_t reranked = probe.reranks ? probe.rerank->exact_distances() : 0;
        const std::uint32_t pages = counts.pages + rerank_pages;
        query.scatter.merge(
            probe.reranks ? probe.rerank->found() : probe.search.found(),
            {.bytes_read = std::uint64_t{pages - probe.joined} * shards_.page_size_bytes(),
             .pages_read = pages,
             .pages_joined = probe.joined,
             .pages_from_cache = counts.expanded_resident,
             .hops = counts.hops,
             .estimates = counts.estimates,
             .exact_distances = counts.exact_distances + reranked,
             .rerank_pages = rerank_pages});
    } else {
        if (shards_.is_routed()) list.drop(number_in_query(number));
        query.scatter.fail(shards_.note_failure(probe.shard, std::move(probe.status).error()));
    }
    probe.graph = nullptr;
    shards_.unpin(probe.shard);
    --query.running;
    if (!query.is_beginning) begin_probes(number / probes_per_query_, Waiting::kNever, source);
}

}  // namespace trackway::search
