#include "build/graph_stage.h"

#include "base/aligned_buffer.h"
#include "base/errors.h"
#include "build/edge_chooser.h"
#include "build/widen_edges.h"
#include "graph/point_set.h"
#include "graph/product_edges.h"
#include "graph/reachability.h"
#include "graph/vamana.h"
#include "layouts/file_names.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

namespace trackway::builder {
namespace {

constexpr const char* kEdgesFile = "edges";
constexpr const char* kUnitedFile = "edges-united";
constexpr std::size_t kWriteBytes = std::size_t{4} << 20U;
constexpr std::size_t kBlock = 32;
// Of the memory for rows that are kept one part of so many is for lists.
constexpr std::uint64_t kListShare = 4;
constexpr std::uint64_t kCacheLeast = std::uint64_t{4} << 20U;

// Block after block of the vertices from begin to end: fill(first vertex, lists) -> Status.
template <class Fill>
Status append_lists(io::StagedFile& file, std::uint32_t begin, std::uint32_t end,
                    std::uint32_t max_degree, const Fill& fill) {
    const std::size_t row_bytes = (std::size_t{max_degree} + 1) * sizeof(std::uint32_t);
    const auto step = static_cast<std::uint32_t>(kWriteBytes / row_bytes);
    for (std::uint32_t first = begin; first < end;) {
        const std::uint32_t count = std::min(step, end - first);
        graph::Adjacency lists(count, max_degree);
        TRACKWAY_TRY(fill(first, lists));
        TRACKWAY_TRY(file.append(std::as_bytes(lists.rows(0, count))));
        first += count;
    }
    return {};
}

// The vertices of a shard's graph, by their numbers in it: its own, then its replicas.
class Members {
public:
    Members(const PartitionedVectors& parts, std::uint32_t shard)
        : begin_(parts.numbers().begin(shard)),
          own_(parts.numbers().count(shard)),
          replicas_(parts.replicas(shard)) {}

    std::uint32_t count() const noexcept {
        return own_ + static_cast<std::uint32_t>(replicas_.size());
    }
    std::uint32_t own() const noexcept { return own_; }
    std::uint32_t vertex(std::uint32_t member) const noexcept {
        return member < own_ ? begin_ + member : replicas_[member - own_];
    }
    // The members that are these vertices of another shard, as replicas.
    std::pair<std::uint32_t, std::uint32_t> range(std::uint32_t first,
                                                  std::uint32_t end) const noexcept {
        const auto from = std::lower_bound(replicas_.begin(), replicas_.end(), first);
        const auto to = std::lower_bound(from, replicas_.end(), end);
        return {own_ + static_cast<std::uint32_t>(from - replicas_.begin()),
                own_ + static_cast<std::uint32_t>(to - replicas_.begin())};
    }

private:
    std::uint32_t begin_;
    std::uint32_t own_;
    std::span<const std::uint32_t> replicas_;
};

// The graph of one shard and where a merge stands in it.
struct ShardGraph {
    Members members;
    std::unique_ptr<io::MappedFile> file;
    graph::Adjacency adjacency;
    std::uint32_t next = 0;  // member whose vertex comes next
    std::uint32_t end = 0;
};

// Working memory of one thread.
struct Scratch {
    std::vector<std::uint32_t> ids;
    Status status;
};

class Merger {
public:
    Merger(const WorkFolder& work, const GraphTask& task, const base::Arena& arena)
        : work_(work),
          task_(task),
          arena_(arena),
          points_(task.vectors, task.metric, arena),
          scratch_(arena.thread_count()) {}

    Result<StageOutput> run() {
        const VertexNumbers numbers = task_.parts.numbers();
        for (std::uint32_t s = 0; s < numbers.shard_count(); ++s)
            TRACKWAY_TRY(open_shard(s));
        const bool is_whole = numbers.shard_count() == 1;  // nothing to look for elsewhere
        TRACKWAY_TRY_ASSIGN(vectors, io::File::open(task_.vectors_file));
        const std::uint64_t cache_bytes = is_whole ? 0 : cache_bytes_of_thread(vectors);
        for (std::uint32_t thread = 0; thread < arena_.thread_count(); ++thread)
            choosers_.emplace_back(points_, vectors, cache_bytes - cache_bytes / kListShare);
        const char* united = is_whole ? kEdgesFile : kUnitedFile;
        TRACKWAY_TRY_ASSIGN(file, io::StagedFile::create(work_.file(united)));
        for (std::uint32_t s = 0; s < numbers.shard_count(); ++s)
            TRACKWAY_TRY(merge_shard(s, file));
        TRACKWAY_TRY(file.name());
        shards_.clear();
        if (!is_whole) {
            TRACKWAY_TRY(widen_edges({task_, points_, choosers_, cache_bytes / kListShare,
                                      work_.file(kUnitedFile), work_.file(kEdgesFile)},
                                     arena_));
            choosers_.clear();
            std::error_code ignored;
            std::filesystem::remove(work_.file(kUnitedFile), ignored);
        }
        TRACKWAY_TRY_ASSIGN(edges, io::MappedFile::open(work_.file(kEdgesFile), true, task_.limit));
        graph::Adjacency adjacency(edges.writable_numbers(), task_.options.max_degree);
        const std::uint32_t entry_point = points_.medoid(arena_);
        if (graph::needs_product_edges(points_, arena_))
            graph::add_product_edges(points_, {}, arena_, adjacency);
        if (arena_.stopped()) return base::cancelled();
        graph::connect_all(points_, entry_point, task_.options.build_list_size, adjacency);
        // Pages hold sorted lists: what comes after must not depend on an order that is lost there.
        for (std::uint32_t v = 0; v < adjacency.vertex_count(); ++v)
            adjacency.sort(v);
        return StageOutput{.files = {kEdgesFile}, .values = {entry_point}};
    }

private:
    // For rows that are kept: as much as the memory limit allows and makes sense.
    std::uint64_t cache_bytes_of_thread(const io::File& vectors) const {
        const VertexNumbers numbers = task_.parts.numbers();
        std::uint64_t largest = 0;
        for (std::uint32_t shard = 0; shard < numbers.shard_count(); ++shard)
            largest = std::max<std::uint64_t>(largest, numbers.count(shard));
        const std::uint64_t list_bytes = (std::uint64_t{task_.options.max_degree} + 1) * 4;
        const std::uint64_t lists = largest * (list_bytes + 16);  // that a shard gets anew
        const std::uint64_t room = task_.limit.room();
        const std::uint64_t share = (room - std::min(room, lists)) / 4 * 3;
        return std::min(vectors.size_bytes() + numbers.row_count() * list_bytes,
                        std::max(share, kCacheLeast) / arena_.thread_count());
    }

    Status open_shard(std::uint32_t shard) {
        TRACKWAY_TRY_ASSIGN(
            file, io::MappedFile::open(work_.file(graph_stage_name(shard)), true, task_.limit));
        auto mapped = std::make_unique<io::MappedFile>(std::move(file));
        graph::Adjacency adjacency(mapped->writable_numbers(), task_.options.max_degree);
        shards_.push_back(
            {Members(task_.parts, shard), std::move(mapped), std::move(adjacency), 0, 0});
        return {};
    }

    // Blocks of vertices, whose lists all shards have in the same order.
    Status merge_shard(std::uint32_t shard, io::StagedFile& file) {
        const std::uint32_t begin = task_.parts.numbers().begin(shard);
        const std::uint32_t end = task_.parts.numbers().end(shard);
        for (std::uint32_t s = 0; s < shards_.size(); ++s) {
            const Members& members = shards_[s].members;
            const auto range =
                s == shard ? std::pair(0U, members.own()) : members.range(begin, end);
            std::tie(shards_[s].next, shards_[s].end) = range;
        }
        const auto unite_some = [&](std::uint32_t first, graph::Adjacency& lists) {
            return unite_block(first, lists);
        };
        return append_lists(file, begin, end, task_.options.max_degree, unite_some);
    }

    Status unite_block(std::uint32_t first, graph::Adjacency& lists) {
        collect(first, first + lists.vertex_count());
        const auto unite_some = [&](std::size_t begin, std::size_t end, std::uint32_t thread) {
            for (auto i = static_cast<std::uint32_t>(begin); i < end; ++i) {
                if (!scratch_[thread].status) return;
                scratch_[thread].status = unite(first + i, lists_[i], thread);
                lists.set(i, scratch_[thread].ids);
            }
        };
        arena_.parallel_for(lists.vertex_count(), kBlock, unite_some);
        if (arena_.stopped()) return base::cancelled();
        for (Scratch& scratch : scratch_)
            TRACKWAY_TRY(scratch.status);
        return {};
    }

    // The lists of each vertex of the block, in the order of shards.
    void collect(std::uint32_t begin, std::uint32_t end) {
        lists_.assign(end - begin, {});
        for (ShardGraph& shard : shards_) {
            for (; shard.next < shard.end && shard.members.vertex(shard.next) < end; ++shard.next) {
                lists_[shard.members.vertex(shard.next) - begin].push_back(
                    shard.adjacency.neighbors(shard.next));
            }
        }
    }

    // A vertex that was built once keeps its edges: they are pruned.
    Status unite(std::uint32_t vertex, std::span<const std::span<const std::uint32_t>> lists,
                 std::uint32_t thread) {
        std::vector<std::uint32_t>& ids = scratch_[thread].ids;
        ids.clear();
        for (const auto& list : lists)
            ids.insert(ids.end(), list.begin(), list.end());
        if (lists.size() <= 1) return {};
        TRACKWAY_TRY(choosers_[thread].measure(vertex, ids));
        choosers_[thread].choose(ids, {task_.options.max_degree, task_.options.alpha});
        return {};
    }

    const WorkFolder& work_;
    const GraphTask& task_;
    const base::Arena& arena_;
    graph::PointSet points_;
    std::vector<ShardGraph> shards_;
    std::vector<std::vector<std::span<const std::uint32_t>>> lists_;
    std::vector<EdgeChooser> choosers_;  // per thread
    std::vector<Scratch> scratch_;       // per thread
};

}  // namespace

std::string graph_stage_name(std::uint32_t shard) {
    return "graph-" + layouts::shard_number_text(shard);
}

Result<StageOutput> build_shard_graph(HalfGraph& half, const GraphTask& task, std::uint32_t shard,
                                      const base::Arena& arena,
                                      const std::function<void(std::uint32_t)>& inserted) {
    const Members members(task.parts, shard);
    const std::size_t row_bytes = task.vectors.row_bytes();
    base::AlignedBuffer rows(members.count() * row_bytes);
    for (std::uint32_t m = 0; m < members.count(); ++m) {
        task.limit.keep();
        std::memcpy(rows.data() + m * row_bytes, task.vectors.row(members.vertex(m)), row_bytes);
    }
    const graph::PointSet points(
        {rows.data(), task.vectors.element_type, members.count(), task.vectors.dimension},
        task.metric, arena);
    const graph::VamanaWatch watch{
        .inserted = inserted,
        .restore = [&](graph::Adjacency& lists) { return half.restore(lists); },
        .keep = [&](std::uint64_t done,
                    const graph::Adjacency& lists) { return half.keep(done, lists); }};
    TRACKWAY_TRY_ASSIGN(built, graph::build_vamana(points,
                                                   {.max_degree = task.options.max_degree,
                                                    .build_list_size = task.options.build_list_size,
                                                    .alpha = task.options.alpha,
                                                    .seed = task.seed + shard},
                                                   arena, watch));
    if (arena.stopped()) return base::cancelled();
    const std::string name = graph_stage_name(shard);
    TRACKWAY_TRY_ASSIGN(file, io::StagedFile::create(half.work().file(name)));
    std::vector<std::uint32_t> ids;
    const auto renumber = [&](std::uint32_t first, graph::Adjacency& lists) -> Status {
        for (std::uint32_t i = 0; i < lists.vertex_count(); ++i) {
            ids.clear();
            for (const std::uint32_t neighbor : built.adjacency.neighbors(first + i))
                ids.push_back(members.vertex(neighbor));
            lists.set(i, ids);
        }
        return {};
    };
    TRACKWAY_TRY(append_lists(file, 0, members.count(), task.options.max_degree, renumber));
    TRACKWAY_TRY(file.name());
    return StageOutput{.files = {name}};
}

Result<StageOutput> merge_graphs(const WorkFolder& work, const GraphTask& task,
                                 const base::Arena& arena) {
    return Merger(work, task, arena).run();
}

Result<MergedGraph> MergedGraph::open(const WorkFolder& work, const StageOutput& output,
                                      std::uint32_t max_degree, io::ResidentLimit& limit) {
    MergedGraph graph;
    TRACKWAY_TRY_ASSIGN(file, io::MappedFile::open(work.file(kEdgesFile), true, limit));
    const std::uint64_t row_bytes = (std::uint64_t{max_degree} + 1) * sizeof(std::uint32_t);
    TRACKWAY_TRY(check_output(output.values.size() == 1 && file.bytes().size() % row_bytes == 0 &&
                                  output.values[0] < file.bytes().size() / row_bytes,
                              work.file(kEdgesFile)));
    graph.file_ = std::move(file);
    graph.adjacency_ = graph::Adjacency(graph.file_.writable_numbers(), max_degree);
    graph.entry_point_ = static_cast<std::uint32_t>(output.values.front());
    return graph;
}

}  // namespace trackway::builder
