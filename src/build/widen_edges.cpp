#include "build/widen_edges.h"

#include "base/aligned_buffer.h"
#include "base/errors.h"
#include "graph/adjacency.h"
#include "graph/frontier.h"
#include "graph/robust_prune.h"
#include "io/file.h"
#include "io/row_cache.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace trackway::builder {
namespace {

// Neighbours of so many of its nearest are new candidates of a vertex.
constexpr std::size_t kNearest = 16;
// Vertices that lie together, which one thread takes one after the other: what one looks at the
// next finds kept. Larger groups look at more different rows than are kept, smaller ones share less
// (600,000 x 96 in 13 shards).
constexpr std::uint32_t kGroup = 1024;
constexpr std::size_t kBlock = 1024;
// Of the memory that is free, for rows.
constexpr double kShareOfRoom = 0.75;
constexpr std::uint64_t kCacheLeast = std::uint64_t{4} << 20U;

// Working memory of one thread.
struct Scratch {
    std::optional<io::RowCache> vectors;
    std::optional<io::RowCache> lists;
    base::AlignedBuffer rows;  // of the candidates, then of the vertex itself
    std::vector<std::uint32_t> list;
    std::vector<std::uint32_t> ids;
    std::vector<std::uint32_t> numbers;  // 0, 1, 2 ... as many as there were ids
    std::vector<float> distances;
    std::vector<graph::Candidate> candidates;
    graph::PruneScratch prune;
    Status status;
};

class Widener {
public:
    Widener(const GraphTask& task, const graph::PointSet& points, const base::Arena& arena)
        : task_(task),
          points_(points),
          arena_(arena),
          list_numbers_(task.options.max_degree + 1),
          scratch_(arena.thread_count()) {}

    Status run(const std::filesystem::path& from, const std::filesystem::path& to) {
        TRACKWAY_TRY_ASSIGN(vectors, io::File::open(task_.vectors_file));
        TRACKWAY_TRY_ASSIGN(united, io::File::open(from));
        TRACKWAY_TRY_ASSIGN(file, io::StagedFile::create(to));
        make_caches(vectors, united);
        const VertexNumbers numbers = task_.parts.numbers();
        for (std::uint32_t shard = 0; shard < numbers.shard_count(); ++shard) {
            graph::Adjacency lists(numbers.count(shard), task_.options.max_degree);
            TRACKWAY_TRY(widen_shard(numbers.begin(shard), lists));
            TRACKWAY_TRY(file.append(std::as_bytes(lists.rows(0, lists.vertex_count()))));
        }
        return file.name();
    }

private:
    std::size_t list_bytes() const noexcept { return list_numbers_ * sizeof(std::uint32_t); }

    // For each thread, as large as the memory limit allows and it makes sense.
    void make_caches(const io::File& vectors, const io::File& united) {
        const VertexNumbers numbers = task_.parts.numbers();
        std::uint64_t largest = 0;
        for (std::uint32_t shard = 0; shard < numbers.shard_count(); ++shard)
            largest = std::max<std::uint64_t>(largest, numbers.count(shard));
        const std::uint64_t lists = largest * (list_bytes() + 4 * sizeof(std::uint32_t));
        const std::uint64_t room = task_.limit.room();
        const auto share = static_cast<std::uint64_t>(
            static_cast<double>(room - std::min(room, lists)) * kShareOfRoom);
        const std::uint64_t all = vectors.size_bytes() + united.size_bytes();
        const std::uint64_t each =
            std::min(all, std::max(share, kCacheLeast) / arena_.thread_count());
        const std::uint64_t of_lists = each / 4;
        for (Scratch& scratch : scratch_) {
            scratch.vectors.emplace(vectors, points_.rows().row_bytes(), each - of_lists);
            scratch.lists.emplace(united, list_bytes(), of_lists);
            scratch.list.resize(list_numbers_);
        }
    }

    Status widen_shard(std::uint32_t first, graph::Adjacency& lists) {
        const auto groups = groups_of(first, lists.vertex_count());
        const auto widen_some = [&](std::size_t begin, std::size_t end, std::uint32_t thread) {
            Scratch& scratch = scratch_[thread];
            for (std::size_t group = begin; group < end; ++group) {
                for (const std::uint32_t number : groups[group]) {
                    if (!scratch.status || arena_.stopped()) return;
                    scratch.status = widen(first + number, scratch);
                    lists.set(number, scratch.ids);
                }
            }
        };
        arena_.parallel_for(groups.size(), 1, widen_some);
        if (arena_.stopped()) return base::cancelled();
        for (Scratch& scratch : scratch_)
            TRACKWAY_TRY(std::move(scratch.status));
        return {};
    }

    // The vertices from first on, by their numbers from there: those that have the same one of some
    // of them nearest to them.
    std::vector<std::vector<std::uint32_t>> groups_of(std::uint32_t first, std::uint32_t count) {
        std::vector<std::uint32_t> centers;
        for (std::uint32_t number = 0; number < count; number += kGroup)
            centers.push_back(first + number);
        std::vector<std::uint32_t> nearest(count);
        const auto assign = [&](std::size_t begin, std::size_t end, std::uint32_t thread) {
            std::vector<float>& distances = scratch_[thread].distances;
            distances.resize(centers.size());
            for (std::size_t number = begin; number < end; ++number) {
                task_.limit.keep();
                points_.distances(first + static_cast<std::uint32_t>(number), centers,
                                  distances.data());
                nearest[number] = static_cast<std::uint32_t>(
                    std::min_element(distances.begin(), distances.end()) - distances.begin());
            }
        };
        arena_.parallel_for(count, kBlock, assign);
        std::vector<std::vector<std::uint32_t>> groups(centers.size());
        for (std::uint32_t number = 0; number < count; ++number)
            groups[nearest[number]].push_back(number);
        return groups;
    }

    // Leaves in ids what the vertex chooses.
    Status widen(std::uint32_t vertex, Scratch& scratch) const {
        std::vector<std::uint32_t>& ids = scratch.ids;
        ids.clear();
        TRACKWAY_TRY(add_list(vertex, scratch));
        TRACKWAY_TRY_ASSIGN(neighbors, measure(vertex, scratch));
        const std::vector<std::uint32_t> before = ids;
        for (std::size_t i = 0; i < std::min(kNearest, before.size()); ++i)
            TRACKWAY_TRY(add_list(before[scratch.candidates[i].vertex], scratch));
        TRACKWAY_TRY_ASSIGN(all, measure(vertex, scratch));
        graph::robust_prune(all, scratch.candidates,
                            {task_.options.max_degree, task_.options.alpha}, scratch.prune);
        const std::vector<std::uint32_t> measured = std::exchange(ids, {});
        for (const std::uint32_t number : scratch.prune.kept)
            ids.push_back(measured[number]);
        return {};
    }

    Status add_list(std::uint32_t vertex, Scratch& scratch) const {
        TRACKWAY_TRY(scratch.lists->copy(vertex, std::as_writable_bytes(std::span(scratch.list))));
        const auto degree = std::min<std::size_t>(scratch.list.front(), list_numbers_ - 1);
        const auto list = std::span(scratch.list).subspan(1, degree);
        scratch.ids.insert(scratch.ids.end(), list.begin(), list.end());
        return {};
    }

    // Sorts ids, without repeats and the vertex, and leaves them as candidates by their numbers in
    // ids, nearest first -> ids as points, by those numbers.
    Result<graph::PointSet> measure(std::uint32_t vertex, Scratch& scratch) const {
        std::vector<std::uint32_t>& ids = scratch.ids;
        std::sort(ids.begin(), ids.end());
        ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
        std::erase(ids, vertex);
        ids.push_back(vertex);
        const std::size_t row_bytes = points_.rows().row_bytes();
        if (scratch.rows.size() < ids.size() * row_bytes)
            scratch.rows = base::AlignedBuffer(2 * ids.size() * row_bytes);
        for (std::size_t i = 0; i < ids.size(); ++i) {
            TRACKWAY_TRY(scratch.vectors->copy(
                ids[i], scratch.rows.span().subspan(i * row_bytes, row_bytes)));
        }
        graph::PointSet copies = points_.copied(ids, scratch.rows.data());
        ids.pop_back();
        const auto count = static_cast<std::uint32_t>(ids.size());
        while (scratch.numbers.size() < count)
            scratch.numbers.push_back(static_cast<std::uint32_t>(scratch.numbers.size()));
        scratch.distances.resize(count);
        copies.distances(count, std::span(scratch.numbers).first(count), scratch.distances.data());
        scratch.candidates.clear();
        for (std::uint32_t i = 0; i < count; ++i)
            scratch.candidates.push_back({scratch.distances[i], i, 0});
        std::sort(scratch.candidates.begin(), scratch.candidates.end(), graph::nearer);
        return copies;
    }

    const GraphTask& task_;
    const graph::PointSet& points_;
    const base::Arena& arena_;
    std::size_t list_numbers_;
    std::vector<Scratch> scratch_;
};

}  // namespace

Status widen_edges(const GraphTask& task, const graph::PointSet& points,
                   const std::filesystem::path& from, const std::filesystem::path& to,
                   const base::Arena& arena) {
    return Widener(task, points, arena).run(from, to);
}

}  // namespace trackway::builder
