// Keeps many queries in flight on one thread and one page reader.
#pragma once

#include "trackway/result.h"

#include "beam/beam_search.h"
#include "beam/rerank.h"
#include "io/page_reader.h"
#include "search/opened_shards.h"
#include "search/query_source.h"
#include "search/read_pool.h"
#include "search/scatter.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace trackway::search {

struct SchedulerLimits {
    std::uint32_t queries_in_flight = 32;
    std::uint32_t max_beam_width = 16;
};

class Scheduler {
public:
    // Opens the reader by `open`, which gets buffers and depth; call it on the thread that will
    // run(). The shards must outlive the scheduler.
    template <class OpenReader>
    static Result<std::unique_ptr<Scheduler>> create(OpenedShards& shards,
                                                     const SchedulerLimits& limits,
                                                     const OpenReader& open);

    // Serves queries until the source has none and none is in flight. A failed read ends its query
    // with an error; the others go on.
    void run(QuerySource& source);

    // After run() has thrown: every query in flight ends with the error. Nothing but the end of the
    // scheduler may follow.
    void abandon(QuerySource& source, const Error& error);

    const io::PageReader& reader() const noexcept { return *reader_; }

private:
    // The search of one shard for one query.
    struct Probe {
        std::uint32_t shard = 0;
        const OpenedGraph* graph = nullptr;  // pinned while it is searched
        std::optional<beam::GraphView> view;
        beam::BeamSearch search;
        std::optional<beam::Rerank> rerank;  // where the graph has exact vectors
        bool reranks = false;                // the search is over, this is what is left
        std::uint32_t outstanding = 0;
        std::uint32_t joined = 0;  // reads that were on their way for another query
        Status status;
    };
    // One query in flight. Its probes are those numbered from number * probes_per_query_.
    struct Query {
        explicit Query(const OpenedShards& shards) : scatter(shards) {}
        Scatter scatter;
        std::uint32_t running = 0;  // probes
        std::uint32_t waiting = 0;  // of those, with reads under way
        bool is_stalled = false;    // the next shard's tables find no room
        bool is_beginning = false;
        std::vector<std::uint32_t> visits;  // of a query that is recorded
    };

    struct PinnedShard {
        std::uint32_t shard = 0;
        const OpenedGraph* graph = nullptr;
    };
    enum class Waiting : std::uint8_t { kNever, kForRoom };

    Scheduler(OpenedShards& shards, const SchedulerLimits& limits);
    bool admit(QuerySource& source);
    void submit(std::size_t least);
    // Of queries, by number.
    void begin_probes(std::uint32_t number, Waiting waiting, QuerySource& source);
    std::uint32_t free_probe(std::uint32_t query) const noexcept;
    void retry_stalled(QuerySource& source);
    // Of probes, by number.
    void begin(std::uint32_t number, PinnedShard pinned, QuerySource& source);
    void go_on(std::uint32_t number, QuerySource& source);
    void issue(std::uint32_t number);
    void arrive(const io::PageRead& read, std::uint32_t number, QuerySource& source);
    void end(std::uint32_t number, QuerySource& source);

    Query& query_of(std::uint32_t probe) noexcept { return *queries_[probe / probes_per_query_]; }
    std::uint32_t number_in_query(std::uint32_t probe) const noexcept {
        return probe % probes_per_query_;
    }
    std::uint32_t beam_width() const noexcept;
    std::span<const PageId> wanted_by(const Probe& probe) const noexcept;
    void begin_rerank(Probe& probe, const QueryTicket& ticket) const;
    Status located(Status status, const Probe& probe) const;
    // Where a page that the probe wants now lies; its file by the number that the reader has.
    std::uint32_t file_number(const Probe& probe, PageId page) const noexcept;
    const io::File& file_of(const Probe& probe, PageId page) const noexcept;
    std::uint64_t offset_of(const Probe& probe, PageId page) const noexcept;
    PageId page_of(const Probe& probe, const io::PageRead& read) const noexcept;
    // Most that one probe waits for at a time.
    std::uint32_t reads_per_probe() const noexcept;

    OpenedShards& shards_;
    SchedulerLimits limits_;
    std::uint32_t probes_per_query_;
    std::vector<const io::File*> files_;
    ReadPool pool_;
    std::vector<std::unique_ptr<Query>> queries_;
    std::vector<std::unique_ptr<Probe>> probes_;
    std::vector<std::uint32_t> idle_;     // queries
    std::vector<std::uint32_t> stalled_;  // queries
    std::vector<std::uint32_t> again_;    // of them, while they try again
    std::vector<io::PageRead*> to_submit_;
    std::uint32_t waiting_ = 0;  // probes with reads under way
    std::unique_ptr<io::PageReader>
        reader_;  // last: it may use the pool's buffers until it is gone
};

template <class OpenReader>
Result<std::unique_ptr<Scheduler>> Scheduler::create(OpenedShards& shards,
                                                     const SchedulerLimits& limits,
                                                     const OpenReader& open) {
    std::unique_ptr<Scheduler> scheduler(new Scheduler(shards, limits));
    Result<std::unique_ptr<io::PageReader>> reader = open(io::PageReaderSetup{
        scheduler->files_, scheduler->pool_.buffers(), shards.page_size_bytes(),
        limits.queries_in_flight * scheduler->probes_per_query_ * scheduler->reads_per_probe()});
    if (!reader) return tl::unexpected(std::move(reader).error());
    scheduler->reader_ = std::move(*reader);
    return scheduler;
}

}  // namespace trackway::search
