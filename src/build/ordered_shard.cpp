#include "build/ordered_shard.h"

namespace trackway::builder {
namespace {

MatrixView rows_of(const MatrixView& all, std::uint32_t begin, std::uint32_t end) {
    return {all.row(begin), all.element_type, end - begin, all.dimension};
}

}  // namespace

OrderedShard::OrderedShard(const BuiltGraph& graph, const TracedVisits& visits, std::uint32_t shard,
                           const base::Arena& arena)
    : graph_(graph),
      arena_(arena),
      begin_(graph.numbers.begin(shard)),
      end_(graph.numbers.end(shard)),
      is_whole_(graph.numbers.shard_count() == 1),
      points_(rows_of(graph.vectors, begin_, end_), graph.metric, arena),
      covisits_(is_whole_ ? visits.covisits : own_covisits_),
      judging_(visits.judging) {
    if (is_whole_) return;
    copy_edges();
    copy_covisits(visits.covisits);
    copy_judging(visits.judging);
}

std::span<const std::uint32_t> OrderedShard::neighbors(std::uint32_t vertex) const noexcept {
    if (is_whole_) return graph_.adjacency.neighbors(vertex);
    return std::span(edges_).subspan(first_[vertex], first_[vertex + 1] - first_[vertex]);
}

void OrderedShard::copy_edges() {
    first_ = {0};
    for (std::uint32_t vertex = begin_; vertex < end_; ++vertex) {
        for (const std::uint32_t neighbor : graph_.adjacency.neighbors(vertex))
            if (holds(neighbor)) edges_.push_back(neighbor - begin_);
        first_.push_back(edges_.size());
    }
}

void OrderedShard::copy_covisits(const layouts::CovisitGraph& all) {
    own_covisits_.first = {0};
    for (std::uint32_t vertex = begin_; vertex < end_ && !all.strength.empty(); ++vertex) {
        own_covisits_.strength.push_back(all.strength[vertex]);
        for (const layouts::Covisit& edge : all.of(vertex))
            if (holds(edge.vertex))
                own_covisits_.edges.push_back({edge.vertex - begin_, edge.weight});
        own_covisits_.first.push_back(own_covisits_.edges.size());
    }
}

void OrderedShard::copy_judging(std::span<const Visits> all) {
    for (const Visits& query : all) {
        Visits own;
        for (const std::uint32_t vertex : query.expanded)
            if (holds(vertex)) own.expanded.push_back(vertex - begin_);
        if (!own.expanded.empty()) own_judging_.push_back(std::move(own));
    }
    judging_ = own_judging_;
}

void OrderedShard::append_groups(PageOrder order, std::span<const std::uint32_t> degrees,
                                 const layouts::PageGeometry& geometry,
                                 layouts::PageGroups& all) const {
    layouts::PageJudge judge;
    if (!judging_.empty()) {
        judge = [this](std::span<const std::uint32_t> pages) {
            return pages_per_query(judging_, pages);
        };
    }
    const layouts::PageOrderInput input{
        .vertices = *this,
        .degrees = degrees.subspan(begin_, vertex_count()),
        .entry_point = holds(graph_.entry_point) ? graph_.entry_point - begin_ : 0,
        .covisits = covisits_,
        .judge = judge};
    const layouts::PageGroups own = layouts::make_page_groups(order, input, geometry, arena_);
    const auto before = static_cast<std::uint32_t>(all.order.size());
    for (const std::uint32_t vertex : own.order)
        all.order.push_back(vertex + begin_);
    for (std::size_t page = 1; page < own.first.size(); ++page)
        all.first.push_back(own.first[page] + before);
}

}  // namespace trackway::builder
