#include "build/widen_edges.h"

#include "base/errors.h"
#include "graph/adjacency.h"
#include "graph/frontier.h"
#include "io/file.h"
#include "io/row_cache.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace trackway::builder {
namespace {

// Neighbours of so many of its nearest are new candidates of a vertex.
constexpr std::size_t kNearest = 16;
// Vertices that lie together, which one thread takes one after the other: what one looks at the
// next finds kept. Larger groups look at more different rows than are kept, smaller ones share
// less.
constexpr std::uint32_t kGroup = 1024;
constexpr std::size_t kBlock = 1024;

// Working memory of one thread.
struct Scratch {
    explicit Scratch(io::RowCache cache, std::size_t list_numbers)
        : lists(std::move(cache)), list(list_numbers) {}
    io::RowCache lists;
    std::vector<std::uint32_t> list;  // as it stands in the file
    std::vector<std::uint32_t> ids;
    std::vector<std::uint32_t> nearest;
    std::vector<float> distances;
    Status status;
};

class Widener {
public:
    Widener(const WidenTask& task, const base::Arena& arena)
        : task_(task.graph),
          points_(task.points),
          choosers_(task.choosers),
          arena_(arena),
          list_numbers_(task_.options.max_degree + 1) {}

    Status run(const WidenTask& task) {
        TRACKWAY_TRY_ASSIGN(united, io::File::open(task.from));
        TRACKWAY_TRY_ASSIGN(file, io::StagedFile::create(task.to));
        for (std::size_t thread = 0; thread < choosers_.size(); ++thread) {
            scratch_.emplace_back(
                io::RowCache(united, list_numbers_ * sizeof(std::uint32_t), task.list_cache_bytes),
                list_numbers_);
        }
        const VertexNumbers numbers = task_.parts.numbers();
        for (std::uint32_t shard = 0; shard < numbers.shard_count(); ++shard) {
            graph::Adjacency lists(numbers.count(shard), task_.options.max_degree);
            TRACKWAY_TRY(widen_shard(numbers.begin(shard), lists));
            TRACKWAY_TRY(file.append(std::as_bytes(lists.rows(0, lists.vertex_count()))));
        }
        return file.name();
    }

private:
    Status widen_shard(std::uint32_t first, graph::Adjacency& lists) {
        const auto groups = groups_of(first, lists.vertex_count());
        const auto widen_some = [&](std::size_t begin, std::size_t end, std::uint32_t thread) {
            Scratch& scratch = scratch_[thread];
            for (std::size_t group = begin; group < end; ++group) {
                for (const std::uint32_t number : groups[group]) {
                    if (!scratch.status || arena_.stopped()) return;
                    scratch.status = widen(first + number, choosers_[thread], scratch);
                    lists.set(number, scratch.ids);
                }
            }
        };
        arena_.parallel_for(groups.size(), 1, widen_some);
        if (arena_.stopped()) return base::cancelled();
        for (Scratch& scratch : scratch_)
            TRACKWAY_TRY(scratch.status);
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
    Status widen(std::uint32_t vertex, EdgeChooser& chooser, Scratch& scratch) const {
        std::vector<std::uint32_t>& ids = scratch.ids;
        ids.clear();
        TRACKWAY_TRY(add_list(vertex, scratch));
        TRACKWAY_TRY(chooser.measure(vertex, ids));
        scratch.nearest.clear();
        for (const graph::Candidate& candidate :
             chooser.candidates().first(std::min(kNearest, ids.size())))
            scratch.nearest.push_back(ids[candidate.vertex]);
        for (const std::uint32_t near : scratch.nearest)
            TRACKWAY_TRY(add_list(near, scratch));
        TRACKWAY_TRY(chooser.measure(vertex, ids));
        chooser.choose(ids, {task_.options.max_degree, task_.options.alpha});
        return {};
    }

    Status add_list(std::uint32_t vertex, Scratch& scratch) const {
        TRACKWAY_TRY(scratch.lists.copy(vertex, std::as_writable_bytes(std::span(scratch.list))));
        const auto degree = std::min<std::size_t>(scratch.list.front(), list_numbers_ - 1);
        const auto list = std::span(scratch.list).subspan(1, degree);
        scratch.ids.insert(scratch.ids.end(), list.begin(), list.end());
        return {};
    }

    const GraphTask& task_;
    const graph::PointSet& points_;
    std::span<EdgeChooser> choosers_;
    const base::Arena& arena_;
    std::size_t list_numbers_;
    std::vector<Scratch> scratch_;
};

}  // namespace

Status widen_edges(const WidenTask& task, const base::Arena& arena) {
    return Widener(task, arena).run(task);
}

}  // namespace trackway::builder
