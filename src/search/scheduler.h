// Keeps many queries in flight on one thread and one page reader.
#pragma once

#include "trackway/result.h"

#include "beam/beam_search.h"
#include "beam/rerank.h"
#include "io/page_reader.h"
#include "search/opened_graph.h"
#include "search/query_source.h"
#include "search/read_pool.h"

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
    // run(). The graph must outlive the scheduler.
    template <class OpenReader>
    static Result<std::unique_ptr<Scheduler>> create(const OpenedGraph& graph,
                                                     const SchedulerLimits& limits,
                                                     const OpenReader& open);

    // Serves queries until the source has none and none is in flight. A failed read ends its query
    // with an error; the others go on.
    void run(QuerySource& source);

    const io::PageReader& reader() const noexcept { return *reader_; }

private:
    // One query in flight.
    struct Active {
        explicit Active(const beam::GraphView& view) : search(view) {}
        beam::BeamSearch search;
        std::optional<beam::Rerank> rerank;  // where the graph has exact vectors
        bool reranks = false;                // the search is over, this is what is left
        QueryTicket ticket;
        std::vector<std::uint32_t> visits;  // of a query that is recorded
        std::uint32_t outstanding = 0;
        std::uint32_t joined = 0;  // reads that were on their way for another query
        Status status;
        std::uint64_t started_ns = 0;
        std::uint64_t issued_ns = 0;
        std::uint64_t io_wait_ns = 0;
    };

    Scheduler(const OpenedGraph& graph, const SchedulerLimits& limits);
    bool admit(QuerySource& source);
    void submit(std::size_t least);
    void begin(std::uint32_t number, QuerySource& source);
    void go_on(std::uint32_t number, QuerySource& source);
    void issue(std::uint32_t number);
    std::uint32_t beam_width() const noexcept;
    std::span<const PageId> wanted_by(const Active& active) const noexcept;
    void begin_rerank(Active& active) const;
    void arrive(const io::PageRead& read, std::uint32_t number, QuerySource& source);
    void finish(Active& active, QuerySource& source);
    Status located(Status status, const Active& active) const;
    // Where a page that the query wants now lies; its file by the number that the reader has.
    std::uint32_t file_number(const Active& active, PageId page) const noexcept;
    const io::File& file_of(const Active& active, PageId page) const noexcept;
    std::uint64_t offset_of(const Active& active, PageId page) const noexcept;
    PageId page_of(const Active& active, const io::PageRead& read) const noexcept;
    // Most that one query waits for at a time.
    std::uint32_t reads_per_query() const noexcept;

    const OpenedGraph& graph_;
    beam::GraphView view_;
    SchedulerLimits limits_;
    ReadPool pool_;
    std::vector<std::unique_ptr<Active>> active_;
    std::vector<std::uint32_t> idle_;
    std::vector<io::PageRead*> to_submit_;
    std::unique_ptr<io::PageReader>
        reader_;  // last: it may use the pool's buffers until it is gone
};

template <class OpenReader>
Result<std::unique_ptr<Scheduler>> Scheduler::create(const OpenedGraph& graph,
                                                     const SchedulerLimits& limits,
                                                     const OpenReader& open) {
    std::unique_ptr<Scheduler> scheduler(new Scheduler(graph, limits));
    std::vector<const io::File*> files;
    for (const layouts::ShardFile& shard : graph.files.shards())
        files.push_back(&shard.file);
    if (graph.exact) files.push_back(&graph.exact->file);
    Result<std::unique_ptr<io::PageReader>> reader = open(
        io::PageReaderSetup{files, scheduler->pool_.buffers(), graph.geometry().page_size_bytes,
                            limits.queries_in_flight * scheduler->reads_per_query()});
    if (!reader) return tl::unexpected(std::move(reader).error());
    scheduler->reader_ = std::move(*reader);
    return scheduler;
}

}  // namespace trackway::search
