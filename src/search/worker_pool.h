// The searching threads of an open index: each runs one scheduler.
#pragma once

#include "trackway/options.h"
#include "trackway/result.h"

#include "io/page_reader.h"
#include "search/opened_shards.h"
#include "search/query_source.h"
#include "search/scheduler.h"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace trackway::search {

// Opens the page reader of a thread: io::open_page_reader, or what a test puts in its place.
using OpenReader =
    std::function<Result<std::unique_ptr<io::PageReader>>(IoEngine, const io::PageReaderSetup&)>;

// One call of Index::search, until it returns.
struct Batch {
    MatrixView queries;
    MatrixView given = {};     // what the queries are codes of, if they are
    std::uint32_t rerank = 0;  // QueryTicket
    QueryOptions options;
    float farthest = 0;  // the distance of what a query that fails has not found
    Neighbor* out = nullptr;
    SearchStats* stats = nullptr;  // may be null
    Status* statuses = nullptr;    // of each query; null: the first that fails ends the batch
    std::uint64_t next = 0;        // the first query that no thread has taken
    std::uint64_t unfinished = 0;
    Status status;                    // of the first query that failed
    std::uint64_t failed_number = 0;  // that query
};

// mutex_ guards the waiting batches, all their fields that change, and closing_. It is taken once
// or twice per query, never per hop.
class WorkerPool final : public QuerySource {
public:
    // Starts the threads and waits until each has its reader. The shards must outlive the pool.
    static Result<std::unique_ptr<WorkerPool>> start(OpenedShards& shards,
                                                     const OpenOptions& options,
                                                     std::uint32_t thread_count,
                                                     const OpenReader& open_reader);
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;
    ~WorkerPool() override;

    // Answers all queries of the batch, or fails with the error of the first that failed.
    Status run(Batch& batch);

    const std::string& io_description() const noexcept { return io_description_; }
    const char* io_engine() const noexcept { return io_engine_; }
    std::uint32_t thread_count() const noexcept {
        return static_cast<std::uint32_t>(threads_.size());
    }

    bool take(QueryTicket& ticket) override;
    void finish(const QueryTicket& ticket, Status status,
                std::span<const std::uint32_t> visits) override;

    // Visits of the recorded queries: for each, how many, then the places.
    std::vector<std::uint32_t> recorded() const;

private:
    WorkerPool() = default;
    void work(OpenedShards& shards, const OpenOptions& options, const OpenReader& open_reader);
    void report_ready(Result<std::unique_ptr<Scheduler>>& scheduler, const OpenedShards& shards);
    std::uint32_t slots_wanted(const OpenOptions& options) const;  // mutex_ is held
    void refuse_one(const Error& error);
    void drop_rest(Batch& batch);
    bool record_next();

    mutable std::mutex mutex_;
    std::condition_variable batch_arrived_;
    std::condition_variable batch_finished_;  // or a thread became ready
    std::list<Batch*> waiting_;
    bool closing_ = false;
    double record_share_ = 0;
    double record_due_ = 0;  // a query is recorded when this reaches 1
    std::vector<std::uint32_t> recorded_;
    std::uint32_t ready_ = 0;
    Status start_status_;
    std::string io_description_;
    const char* io_engine_ = "";
    std::vector<std::thread> threads_;
};

}  // namespace trackway::search
