// Turn a file of vectors into an index directory.
#pragma once

#include "trackway/options.h"
#include "trackway/result.h"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace trackway {

struct StageReport {
    std::string name;
    double seconds = 0;
    double cpu_seconds = 0;
    std::uint64_t peak_resident_bytes = 0;  // of the whole program, at the end of the stage
};

struct ShardReport {
    std::uint64_t vectors = 0;
    std::uint64_t replicas = 0;
    std::uint64_t pages = 0;
    double mean_degree = 0;
};

// What a weight of the workload makes of queries that were held out.
struct PartitionTrial {
    double workload_weight = 0;
    double shards_per_query = 0;  // that hold 95 % of their nearest
};

struct PartitionReport {
    double workload_weight = 0;
    std::vector<PartitionTrial> trials = {};  // where it was learned
};

struct LayoutReport {
    PageOrder order = PageOrder::kAffinity;
    std::uint32_t page_size_bytes = 0;
    std::uint32_t vertices_per_page = 0;  // numbers reserved per page
    double mean_vertices_per_page = 0;    // vertices really on a page
    bool from_vectors = false;            // no workload: a sample of the vectors stood in
    std::uint64_t queries_traced = 0;     // half of them trained, half judged
    // Different pages that the vertices lie on which a judging query expands: as the vectors stand
    // in the dataset, and as they were laid out.
    double traced_pages_before = 0;
    double traced_pages_after = 0;
    // With page-mates at work, at recall@10 0.95 of the judging queries; 0 where no query was run.
    double expand_share = 0;
    double expected_pages_per_query = 0;
    double expected_estimates_per_query = 0;
    VectorEncoding encoding = VectorEncoding::kAsGiven;
    // Of the exact 10 nearest that a thorough search meets, the share that codes alone put among
    // the first 10. None where vectors are as given or no query was run.
    std::optional<double> encoding_recall_without_rerank = {};
    // Settings of a search that would have taken too long to try; empty: none.
    std::string not_tried = {};
};

// A kind of code that was tried, and what it would cost.
struct CodeTrial {
    CodeType type = CodeType::kPq;
    std::uint32_t code_bytes = 0;
    double pages_per_query = 0;  // mean of those at recall@10 0.95 and 0.99, a page for each vertex
};

struct BuildReport {
    std::vector<StageReport> stages;
    // What the memory budget allowed, in one line.
    std::string plan;
    // Finished before by a build that did not come to its end.
    std::vector<std::string> stages_resumed;
    std::vector<ShardReport> shards;
    PartitionReport partition;
    LayoutReport layout;
    CodeType code_type = CodeType::kPq;
    std::uint32_t code_bytes = 0;
    std::vector<CodeTrial> code_trials;  // empty where the kind was given
    std::uint64_t vectors = 0;
    std::uint32_t dimension = 0;
    ElementType element_type = ElementType::kFloat32;
    std::uint32_t threads = 0;
    std::uint64_t bytes_written = 0;
    std::uint64_t peak_resident_bytes = 0;
    double vectors_per_second_per_core = 0;
};

// Called from one thread at a time; done runs from 0 to total within a stage.
using BuildProgress =
    std::function<void(std::string_view stage, std::uint64_t done, std::uint64_t total)>;

// Writes options.index_dir and verifies it by reopening. On any error, and when stop is requested
// (ErrorCode::kCancelled), the index that was there before is untouched and nothing half-written
// remains. Finished stages stay in index_dir/build.work, where the same build, begun again, goes
// on; not those of a build whose vectors are refused (kInvalidArgument).
Result<BuildReport> build(const BuildOptions& options, const BuildProgress& progress = {},
                          const std::stop_token& stop = {});

// The stages that build_part() knows, in order.
constexpr std::array<std::string_view, 7> kBuildStages = {"partition", "graph", "merge", "codes",
                                                          "trace",     "order", "finish"};

// Part of a build, so that many machines that share the folder can do it together.
struct BuildPart {
    std::string stage;  // the last to be run; one of kBuildStages
    // Of stage graph: only this one, of a partition that is finished. Different shards may be built
    // at the same time.
    std::optional<std::uint32_t> shard = {};
};

// Runs the stages up to this one, but for those that are finished already, and leaves what they
// made in index_dir/build.work; "finish" is build(). The same part run twice, or with other parts
// missing, does no harm: kInvalidArgument names the stage that must come first. All parts need the
// same options: finish builds anew what was made with others.
Result<BuildReport> build_part(const BuildOptions& options, const BuildPart& part,
                               const BuildProgress& progress = {},
                               const std::stop_token& stop = {});

// Lays the pages of an index out anew, for other queries, without building its graph again. Answers
// stay the same but for the page-mates that a search meets; the index is replaced as a whole or not
// at all. Memory is that of the vectors and edges.
Result<BuildReport> relayout(const RelayoutOptions& options, const BuildProgress& progress = {},
                             const std::stop_token& stop = {});

struct RepairReport {
    std::uint64_t pages = 0;   // written anew, headers among them
    std::uint64_t tables = 0;  // and manifests
};

// Makes a damaged index whole again from a copy of it, and verifies every byte: each page, table or
// manifest that is not sound, is missing or cannot be read is taken from the copy, where it must be
// sound. What is sound stays as it is; the copy may be damaged elsewhere. kInvalidArgument where
// the copy is one of another index; kCorruption names what neither has.
Result<RepairReport> repair(const std::filesystem::path& index_dir,
                            const std::filesystem::path& copy_dir);

}  // namespace trackway
