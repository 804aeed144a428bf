// Open an index directory and search it. The only header that a searching program needs.
#pragma once

#include "trackway/options.h"
#include "trackway/result.h"
#include "trackway/types.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace trackway {

// What one query cost.
struct SearchStats {
    std::uint64_t latency_ns = 0;  // from the moment a thread took the query up
    std::uint64_t io_wait_ns = 0;  // part of it spent with a read under way
    std::uint64_t bytes_read = 0;
    std::uint32_t pages_read = 0;
    std::uint32_t pages_joined = 0;      // of those, on their way for another query already
    std::uint32_t pages_from_cache = 0;  // vertices expanded from memory, by hot record or edges
    std::uint32_t hops = 0;              // rounds of reading
    std::uint32_t estimates = 0;         // distances estimated from codes
    std::uint32_t exact_distances = 0;
    std::uint32_t rerank_pages = 0;  // of pages_read, those of exact vectors
    std::uint32_t shards_probed = 1;
    std::uint32_t shards_failed = 0;  // that should have been searched (OpenOptions::allow_partial)
};

struct IndexSummary {
    std::uint64_t vectors = 0;
    std::uint32_t dimension = 0;
    ElementType element_type = ElementType::kFloat32;  // of the vectors given, and of queries
    VectorEncoding encoding = VectorEncoding::kAsGiven;
    Metric metric = Metric::kL2;
    std::uint32_t shards = 0;
    bool are_separate = false;  // each shard is an index of its own
    std::uint32_t page_size_bytes = 0;
    std::uint32_t vertices_per_page = 0;
    std::uint64_t bytes_on_disk = 0;
    PageOrder page_order = PageOrder::kInsertion;
    double expand_share = 0;            // calibrated
    std::uint32_t hot_vertices = 0;     // resident
    std::uint64_t bytes_of_hot = 0;     // that they take
    std::uint64_t bytes_of_edges = 0;   // of all vertices, where they are resident
    std::uint64_t bytes_of_tables = 0;  // codes, codebook, navigation
    // Pages per query at a recall of 95 %, as the builder measured it: with the tables alone, with
    // the edges that are resident, with hot vertices as well. 0 where nothing was measured.
    double pages_with_tables = 0;
    double pages_with_edges = 0;
    double pages_with_all = 0;
    // Pages that could not be read when the index was opened, so that nothing of them is resident,
    // and what was wrong with the first: queries that need them fail.
    std::uint64_t pages_left_out = 0;
    std::string left_out_reason = {};
};

// A calibrated setting (SearchParams::target_recall).
struct RecallSetting {
    std::uint32_t search_list_size = 0;
    float stop_margin = 0;
    // Pages of vertices, of queries held out when the index was built, without hot vertices.
    float pages_per_query = 0;
};

// Immutable after open; safe to search from any number of threads at once.
class Index {
public:
    // Reads the resident tables, checks every header and checksum of them, starts the threads.
    static Result<Index> open(const std::filesystem::path& index_dir,
                              const OpenOptions& options = {});
    Index(const Index&) = delete;
    Index& operator=(const Index&) = delete;
    Index(Index&&) noexcept;
    Index& operator=(Index&&) noexcept;
    ~Index();

    // Writes row_count x k neighbours, nearest first, one row per query, without replicas;
    // kNoVector where shards that could not be read leave fewer (OpenOptions::allow_partial). When
    // the index holds fewer than k vectors, or out has not room for queries.row_count * params.k,
    // or stats is neither empty nor one per query, kInvalidArgument.
    //
    // A query that fails, such as for a page that is damaged, ends the call with its error; the
    // rows of out are then worth nothing. With statuses, one per query, its error stands there,
    // its row of out holds kNoVector at farthest_distance(), and all other queries are answered.
    Status search(MatrixView queries, const SearchParams& params, std::span<Neighbor> out,
                  std::span<SearchStats> stats = {}, std::span<Status> statuses = {}) const;

    // What a search for this recall will do. kInvalidArgument when no setting reached it while the
    // index was built, kUnsupported when none was tried.
    Result<RecallSetting> setting_for_recall(double target, std::uint32_t k) const;

    // Writes what the recorded queries visited so far (OpenOptions::record_share), for relayout().
    // kInvalidArgument when nothing was recorded.
    Status save_trace(const std::filesystem::path& path) const;

    // Of separate shards that answers had to do without (OpenOptions::allow_partial): the first
    // error of each, so far.
    std::vector<std::string> shard_errors() const;

    const IndexSummary& summary() const noexcept;
    // One line: engine and features in use, and why not the better one where that is so.
    const std::string& io_description() const noexcept;
    // "uring", "pread".
    const char* io_engine() const noexcept;
    std::uint32_t thread_count() const noexcept;

private:
    class Impl;
    explicit Index(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace trackway
