// One shard of a graph as page orders see it: its own vertices, numbered from 0, and what joins
// them to one another.
#pragma once

#include "trackway/types.h"

#include "base/arena.h"
#include "build/built_graph.h"
#include "build/covisits.h"
#include "graph/point_set.h"
#include "layouts/covisit_graph.h"
#include "layouts/page_order.h"
#include "layouts/page_packing.h"

#include <cstdint>
#include <span>
#include <vector>

namespace trackway::builder {

// What queries did, in vertices of the whole graph.
struct TracedVisits {
    const layouts::CovisitGraph& covisits;
    std::span<const Visits> judging;  // empty: orders are not judged
};

class OrderedShard final : public layouts::VertexRelations {
public:
    // Graph and visits must stay.
    OrderedShard(const BuiltGraph& graph, const TracedVisits& visits, std::uint32_t shard,
                 const base::Arena& arena);

    std::uint32_t vertex_count() const noexcept override { return end_ - begin_; }
    std::span<const std::uint32_t> neighbors(std::uint32_t vertex) const noexcept override;
    void distances(std::uint32_t vertex, std::span<const std::uint32_t> ids,
                   float* out) const override {
        points_.distances(vertex, ids, out);
    }

    // Orders the shard's vertices and appends its pages, in numbers of the whole graph. degrees: of
    // all vertices.
    void append_groups(PageOrder order, std::span<const std::uint32_t> degrees,
                       const layouts::PageGeometry& geometry, layouts::PageGroups& all) const;

private:
    bool holds(std::uint32_t vertex) const noexcept { return vertex >= begin_ && vertex < end_; }
    void copy_edges();
    void copy_covisits(const layouts::CovisitGraph& all);
    void copy_judging(std::span<const Visits> all);

    const BuiltGraph& graph_;
    const base::Arena& arena_;
    std::uint32_t begin_;
    std::uint32_t end_;
    bool is_whole_;  // the graph has no other shard: nothing is copied
    graph::PointSet points_;
    std::vector<std::uint64_t> first_;  // of each vertex's edges; and the end
    std::vector<std::uint32_t> edges_;
    layouts::CovisitGraph own_covisits_;
    const layouts::CovisitGraph& covisits_;
    std::vector<Visits> own_judging_;
    std::span<const Visits> judging_;
};

}  // namespace trackway::builder
