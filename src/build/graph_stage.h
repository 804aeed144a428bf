// The graph of each shard, and the one graph that they are merged into.
#pragma once

#include "trackway/options.h"
#include "trackway/result.h"
#include "trackway/types.h"

#include "base/arena.h"
#include "build/half_graph.h"
#include "build/partition_stage.h"
#include "build/work_folder.h"
#include "graph/adjacency.h"
#include "io/mapped_file.h"
#include "io/resident_limit.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace trackway::builder {

struct GraphTask {
    const PartitionedVectors& parts;
    MatrixView vectors;  // of each vertex, as they are searched
    Metric metric = Metric::kL2;
    GraphOptions options;
    std::uint64_t seed = 1;
    io::ResidentLimit& limit;
    std::filesystem::path vectors_file;  // the same rows, without gaps
};

// "graph-0003".
std::string graph_stage_name(std::uint32_t shard);

// A Vamana graph over the shard's own vertices and its replicas, as rows of degree and edges. The
// shard must fit memory. inserted(done) is told how far it is; what is done is kept in `half`, and
// taken from there. kCancelled when arena.stopped().
Result<StageOutput> build_shard_graph(HalfGraph& half, const GraphTask& task, std::uint32_t shard,
                                      const base::Arena& arena,
                                      const std::function<void(std::uint32_t)>& inserted);

// Unites each vertex's edges of all shards that it was built in, has it choose again among those
// and the neighbours of the nearest (robust prune), and gives every vertex a path from the entry
// point, which is in the output's values. The edges are in files; in memory
// are the lists of one shard.
Result<StageOutput> merge_graphs(const WorkFolder& work, const GraphTask& task,
                                 const base::Arena& arena);

// What merge_graphs() left.
class MergedGraph {
public:
    static Result<MergedGraph> open(const WorkFolder& work, const StageOutput& output,
                                    std::uint32_t max_degree, io::ResidentLimit& limit);
    const graph::Adjacency& adjacency() const noexcept { return adjacency_; }
    std::uint32_t entry_point() const noexcept { return entry_point_; }

private:
    io::MappedFile file_;
    graph::Adjacency adjacency_;
    std::uint32_t entry_point_ = 0;
};

}  // namespace trackway::builder
