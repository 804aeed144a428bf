// Every knob, its unit, its default. Aggregates, so that call sites name what they set:
//     SearchParams{.k = 10, .search_list_size = 64}
#pragma once

#include "trackway/types.h"

#include <cstdint>
#include <filesystem>
#include <optional>

namespace trackway {

struct GraphOptions {
    std::uint32_t max_degree = 64;        // R, 1 to kMaxDegree
    std::uint32_t build_list_size = 100;  // L while building, at least 1
    float alpha = 1.2F;                   // slack of robust prune on distances, at least 1
};

struct LayoutOptions {
    PageOrder page_order = PageOrder::kAffinity;
    // Power of two, 4096 to 65536. 0: of those that hold a vertex, from 4096 to 16384, the one
    // whose expected pages per query cost least on a usual NVMe disk (layout README), or the
    // smallest.
    std::uint32_t page_size_bytes = 0;
    // Measure the cost of pages on the disk of index_dir, for two seconds, before one is chosen:
    // then the bytes of the index depend on the machine.
    bool probe_disk = false;
    bool keep_trace = false;  // the co-visitation graph stays in the index
    // Smaller numbers to search in, and a side file of the exact vectors that only the last step of
    // a search reads. kFloat16 takes float32 vectors, kSq8 (one byte each) float32 and float16.
    VectorEncoding encoding = VectorEncoding::kAsGiven;
    // Keep an encoding with which less than 90 % of the nearest are found; otherwise an error says
    // how much it is.
    bool accept_lossy = false;
};

enum class ShardGraphs : std::uint8_t {
    kMerged,   // one graph whose pages lie in the files of all shards
    kSeparate  // each shard is an index of its own; a search asks those that are worth it
};

struct ShardOptions {
    std::uint32_t count = 0;  // 0: as few as the memory budget allows
    ShardGraphs graphs = ShardGraphs::kMerged;
    // What keeping a query's nearest vectors in one shard is worth against keeping near vectors
    // together, 0 or more; without a value, what queries of the workload that were held out need
    // fewest shards with.
    std::optional<double> workload_weight = {};
    // Vectors near a boundary are built in the shards on both sides: at most so many vectors are
    // built for each vector, 1 to 4. Without a value 1.8 for a merged graph, 1.3 for separate ones.
    std::optional<double> replica_factor = {};
};

struct BuildOptions {
    std::filesystem::path vectors = {};
    std::filesystem::path index_dir = {};
    std::filesystem::path workload = {};  // sample of queries; empty: only the vectors decide
    // Replace an index that is already in index_dir, where nothing else lies beside it.
    bool overwrite = false;
    Metric metric = Metric::kL2;
    GraphOptions graph = {};
    ShardOptions shards = {};
    LayoutOptions layout = {};
    std::uint32_t code_bytes = 0;  // per vector; 0: 32, or the dimension if smaller
    // Without a value, the kind with which the workload reads fewest pages.
    std::optional<CodeType> code_type = {};
    std::uint64_t memory_budget_bytes = 0;  // peak resident memory; 0: 80 % of RAM
    std::uint32_t thread_count = 0;         // 0: all cores; never changes the bytes written
    std::uint64_t seed = 1;                 // same input, options and seed: same bytes
};

// Reorders an index to new queries, without building its graph again.
struct RelayoutOptions {
    std::filesystem::path index_dir = {};
    // One of the two: queries to trace, or a trace that Index::save_trace() has written.
    std::filesystem::path workload = {};
    std::filesystem::path trace = {};
    PageOrder page_order = PageOrder::kAffinity;
    bool keep_trace = false;
    std::uint64_t memory_budget_bytes = 0;  // peak resident memory; 0: 80 % of RAM
    std::uint32_t thread_count = 0;
};

enum class IoEngine : std::uint8_t {
    kAuto,   // io_uring, or pread where the kernel forbids it; Index::io_description() says which
    kUring,  // io_uring or an error
    kPread,  // blocking reads on a few threads
};

struct OpenOptions {
    IoEngine io = IoEngine::kAuto;
    std::uint32_t thread_count = 0;  // searching threads; 0: all cores
    std::uint32_t queries_in_flight_per_thread = 32;
    std::uint32_t max_beam_width = 16;  // the largest SearchParams::beam_width that will be asked
    // All that stays resident: codes, navigation, then hot vertices or the edges of all, or all
    // records where they fit. 0: the tables and 5 % of the index.
    std::uint64_t memory_budget_bytes = 0;
    // Hot vertices that stay resident; with a budget too small for them, opening fails.
    std::optional<std::uint64_t> cache_vertices = {};
    double record_share = 0;  // of the queries, whose visits Index::save_trace() writes
    // Of separate shards: one that cannot be read is left out, and answers that miss it are marked
    // (SearchStats::shards_failed). False: it is an error.
    bool allow_partial = false;
};

constexpr std::uint32_t kAdaptiveBeamMax = 4;

struct SearchParams {
    std::uint32_t k = 10;
    // L, at least k: how many of the nearest vertices met along edges are followed. Vertices that
    // merely share a page with one of them come on top: they cost no read.
    std::uint32_t search_list_size = 40;
    // Stop when the best estimate left exceeds the k-th exact distance by this many times the usual
    // error of estimates; without a value, only the list and the limit of pages end a search.
    std::optional<float> stop_margin = {};
    // Instead of both: the cheapest setting with which held-out queries found this share of their
    // 10 nearest when the index was built. SearchParams::search_list_size and stop_margin are
    // ignored.
    std::optional<double> target_recall = {};
    // W: vertices whose pages one query reads at once. 0: 1 while a thread has many queries in
    // flight, which reads fewest pages; up to kAdaptiveBeamMax for the few that are left or alone,
    // whose answers then depend on what else runs.
    std::uint32_t beam_width = 0;
    std::uint32_t page_limit = 0;  // most pages of vertices that one query may read; 0: no limit
    // Of separate shards, the most that one query searches as long as they hold k vectors; 0: as
    // many as are likely to hold one of its nearest. The limit of pages is that of each shard.
    // Shards stop each other by what they have found, with a margin of at most 2 (stop_margin), so
    // that answers may depend on which is sooner.
    std::uint32_t shard_probes = 0;
    // And the share of its nearest that it is expected to find before no other is searched, 0 to 1;
    // without a value, what the builder calibrated.
    std::optional<double> share_sought = {};
    // Of the vertices of each page read, the share that is expanded at once, 0 to 1; without a
    // value, what the builder calibrated.
    std::optional<float> expand_share = {};
    // Where vectors are encoded: how many of the nearest by their codes are measured again by their
    // exact vectors, k to the search list. 0: none, distances are those of the codes; without a
    // value, what the builder calibrated.
    std::optional<std::uint32_t> rerank = {};
};

}  // namespace trackway
