#include "layouts/verify_graph.h"

#include "base/errors.h"
#include "layouts/file_start.h"

#include <algorithm>
#include <span>
#include <vector>

namespace trackway::layouts {
namespace {

using base::fail;
using base::join;

class Verifier {
public:
    explicit Verifier(const GraphFiles& graph)
        : graph_(graph),
          geometry_(graph.geometry()),
          row_seen_(geometry_.row_count, false),
          neighbors_(geometry_.max_degree) {
        contents_.slots.resize(geometry_.page_count, 0);
    }

    Result<GraphContents> run() {
        for (const ShardFile& shard : graph_.shards()) {
            TRACKWAY_TRY(check_padding(shard.file, geometry_.page_size_bytes));
            TRACKWAY_TRY(count_vertices(shard));
        }
        TRACKWAY_TRY(for_each_page(graph_, [&](PageId page, const PageView& view) {
            return check_neighbors(page, view);
        }));
        const auto entry = static_cast<std::uint32_t>(graph_.description().entry_point);
        if (!exists(entry)) {
            return fail(ErrorCode::kCorruption,
                        join(graph_.shards().front().file.path().string(), ": entry point ", entry,
                             ": expected a vertex, found an empty place"));
        }
        contents_.empty_places = geometry_.place_count() - contents_.vertices;
        return contents_;
    }

private:
    Status count_vertices(const ShardFile& shard) {
        const std::uint64_t before = contents_.vertices;
        TRACKWAY_TRY(for_each_page(
            shard, [&](PageId page, const PageView& view) { return count_slots(page, view); }));
        const std::uint64_t found = contents_.vertices - before;
        if (found == shard.extent.vertex_count) return {};
        return fail(ErrorCode::kCorruption,
                    join(shard.file.path().string(), ": vertices: expected ",
                         shard.extent.vertex_count, ", found ", found));
    }

    Status count_slots(PageId page, const PageView& view) {
        contents_.slots[static_cast<std::uint32_t>(page)] =
            static_cast<std::uint16_t>(view.slot_count());
        contents_.vertices += view.slot_count();
        for (std::uint32_t slot = 0; slot < view.slot_count(); ++slot) {
            const auto row = static_cast<std::uint64_t>(view.row(slot));
            if (row_seen_[row]) return blame(page, slot, join("row ", row, " stands twice"));
            row_seen_[row] = true;
        }
        return {};
    }

    bool exists(std::uint32_t place) const noexcept { return contents_.holds(geometry_, place); }

    Status check_neighbors(PageId page, const PageView& view) {
        for (std::uint32_t slot = 0; slot < view.slot_count(); ++slot) {
            view.neighbors(slot, neighbors_.data());
            contents_.edges += view.degree(slot);
            for (std::uint32_t i = 0; i < view.degree(slot); ++i) {
                if (exists(neighbors_[i])) continue;
                return blame(page, slot, join("neighbour ", neighbors_[i], ": no such vertex"));
            }
            TRACKWAY_TRY(check_distinct(page, slot, view.degree(slot)));
        }
        return {};
    }

    // The list in neighbors_. Format 1.0 did not sort it.
    Status check_distinct(PageId page, std::uint32_t slot, std::uint32_t degree) {
        const auto list = std::span(neighbors_).first(degree);
        if (geometry_.edges.width() != 0) std::sort(list.begin(), list.end());
        for (std::uint32_t i = 1; i < degree; ++i) {
            if (list[i - 1] < list[i]) continue;
            return blame(page, slot,
                         join("neighbour ", list[i], ": expected more than ", list[i - 1],
                              ", the one before it"));
        }
        return {};
    }

    Status blame(PageId page, std::uint32_t slot, const std::string& what) const {
        return fail(ErrorCode::kCorruption,
                    graph_.locate(page, join("page ", static_cast<std::uint32_t>(page), ": slot ",
                                             slot, ": ", what)));
    }

    const GraphFiles& graph_;
    const PageGeometry& geometry_;
    std::vector<bool> row_seen_;
    std::vector<std::uint32_t> neighbors_;
    GraphContents contents_;
};

}  // namespace

Result<GraphContents> verify_graph(const GraphFiles& graph) {
    return Verifier(graph).run();
}

}  // namespace trackway::layouts
