#include "search/scatter.h"

#include "base/errors.h"
#include "base/stopwatch.h"
#include "distance/row_floats.h"

#include <algorithm>
#include <utility>

namespace trackway::search {

using base::join;

void Scatter::start(const QueryTicket& ticket) {
    ticket_ = ticket;
    started_ns_ = base::now_ns();
    begun_ = 0;
    stats_ = {.shards_probed = 0};
    status_ = {};
    found_.reset(ticket.options.params.k);
    order_.assign(1, 0);
    enough_ = 1;
    if (!shards_.is_routed()) return;
    shared_list_.reset(ticket.options.params.search_list_size, ticket.options.params.k, kAtOnce);
    const layouts::GraphDescription& graph = shards_.first_files().description();
    query_floats_.resize(graph.dimension);
    distance::row_floats(ticket.query, graph.element_type, graph.metric, query_floats_);
    const auto promises = shard::route(shards_.router(), query_floats_, scratch_);
    order_.clear();
    for (const shard::ShardPromise& promise : promises)
        order_.push_back(promise.shard);
    enough_ =
        shard::probes_for(promises, ticket.options.share_sought.value_or(shards_.share_sought()));
    if (ticket.options.shard_probes != 0)
        enough_ = std::min<std::size_t>(enough_, ticket.options.shard_probes);
}

bool Scatter::wants_another(std::uint32_t running) const noexcept {
    if (!status_ || begun_ == order_.size()) return false;
    return begun_ < enough_ || (running == 0 && !found_.full());
}

beam::BeamParams Scatter::params_for(const OpenedGraph& graph) const {
    beam::BeamParams params = ticket_.options.params;
    const std::uint32_t vertices = graph.files.description().vertex_count;
    params.k = std::min(std::max(params.k, ticket_.rerank), vertices);
    params.search_list_size = std::min(params.search_list_size, vertices);
    params.stop_rank = std::min(params.stop_rank, params.search_list_size);
    params.expand_share = ticket_.options.expand_share.value_or(graph.expand_share);
    return params;
}

void Scatter::merge(std::span<const graph::Candidate> found, const SearchStats& cost) {
    for (const graph::Candidate& candidate :
         found.first(std::min<std::size_t>(found.size(), ticket_.options.params.k))) {
        const auto list = found_.list();
        const bool is_replica =
            shards_.is_routed() && std::any_of(list.begin(), list.end(), [&](const auto& have) {
                return have.vertex == candidate.vertex;
            });
        if (!is_replica) found_.insert({candidate.distance, candidate.vertex, 0});
    }
    stats_.bytes_read += cost.bytes_read;
    stats_.pages_read += cost.pages_read;
    stats_.pages_joined += cost.pages_joined;
    stats_.pages_from_cache += cost.pages_from_cache;
    stats_.hops += cost.hops;
    stats_.estimates += cost.estimates;
    stats_.exact_distances += cost.exact_distances;
    stats_.rerank_pages += cost.rerank_pages;
    ++stats_.shards_probed;
}

void Scatter::fail(Error error) {
    if (ticket_.options.allow_partial) {
        ++stats_.shards_failed;
        ++enough_;  // another takes its place
    } else if (status_) {
        status_ = tl::unexpected(std::move(error));
    }
}

Status Scatter::finish() {
    const std::uint32_t k = ticket_.options.params.k;
    if (status_ && found_.size() < k && stats_.shards_failed == 0) {
        status_ = base::fail(ErrorCode::kCorruption,
                             join(shards_.first_files().shards().front().file.path().string(),
                                  ": expected to reach ", k, " vertices, found ", found_.size()));
    }
    if (status_ && found_.size() == 0 && stats_.shards_failed > 0) {
        status_ = base::fail(ErrorCode::kIo,
                             join("none of the ", stats_.shards_failed,
                                  " separate shards that hold its nearest could be read"));
    }
    if (status_) {
        // Kernels make smaller nearer; users expect the inner product itself.
        const Metric metric = shards_.first_files().description().metric;
        for (std::size_t i = 0; i < k; ++i) {
            ticket_.out[i] = {kNoVector, farthest_distance(metric)};
            if (i >= found_.size()) continue;
            const graph::Candidate& candidate = found_.list()[i];
            ticket_.out[i] = {VectorId{candidate.vertex}, metric == Metric::kInnerProduct
                                                              ? -candidate.distance
                                                              : candidate.distance};
        }
    }
    if (ticket_.stats != nullptr) {
        stats_.latency_ns = base::now_ns() - started_ns_;
        *ticket_.stats = stats_;
    }
    return std::move(status_);
}

}  // namespace trackway::search
