#include "build/shard_layout.h"

#include "base/errors.h"
#include "beam/resident_edges.h"
#include "layouts/page_order.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

namespace trackway::builder {
namespace {

// The shard as page orders see it.
class GraphRelations final : public layouts::VertexRelations {
public:
    GraphRelations(const graph::Adjacency& adjacency, const graph::PointSet& points)
        : adjacency_(adjacency), points_(points) {}
    std::uint32_t vertex_count() const noexcept override { return adjacency_.vertex_count(); }
    std::span<const std::uint32_t> neighbors(std::uint32_t vertex) const noexcept override {
        return adjacency_.neighbors(vertex);
    }
    void distances(std::uint32_t vertex, std::span<const std::uint32_t> ids,
                   float* out) const override {
        points_.distances(vertex, ids, out);
    }

private:
    const graph::Adjacency& adjacency_;
    const graph::PointSet& points_;
};

std::vector<std::uint32_t> page_of(const layouts::PagePacking& packing) {
    std::vector<std::uint32_t> pages(packing.place.size());
    for (std::size_t v = 0; v < pages.size(); ++v)
        pages[v] = static_cast<std::uint32_t>(packing.geometry.page_of(packing.place[v]));
    return pages;
}

}  // namespace

ShardLayout::ShardLayout(const ShardGraph& graph, const LayoutChoices& choices,
                         const base::Arena& arena)
    : graph_(graph), choices_(choices), arena_(arena), points_(graph.vectors, graph.metric, arena) {
    for (std::uint32_t v = 0; v < graph.adjacency.vertex_count(); ++v)
        degrees_.push_back(static_cast<std::uint32_t>(graph.adjacency.neighbors(v).size()));
}

void ShardLayout::navigate() {
    navigation_rows_ = build_navigation(graph_.vectors, graph_.metric, {}, choices_.seed, arena_);
}

void ShardLayout::trace(const Workload& workload) {
    trace_ = trace_workload(graph_, navigation_rows_, workload, arena_);
    after_trace();
}

void ShardLayout::use_trace(Trace trace) {
    trace_ = std::move(trace);
    after_trace();
}

// From here on searches begin at vertices near which many queries end.
void ShardLayout::after_trace() {
    if (arena_.stopped()) return;
    covisits_ = join_covisits(trace_.training, graph_.adjacency.vertex_count());
    navigation_rows_ =
        build_navigation(graph_.vectors, graph_.metric, covisits_.strength, choices_.seed, arena_);
}

layouts::RecordShape ShardLayout::shape() const {
    return {.vector_bytes = static_cast<std::uint32_t>(graph_.vectors.row_bytes()),
            .max_degree = graph_.adjacency.capacity(),
            .vertex_count = graph_.adjacency.vertex_count(),
            .row_count = graph_.vectors.row_count,
            .exact_row_bytes = static_cast<std::uint32_t>(graph_.given.row_bytes())};
}

layouts::PagePacking ShardLayout::pack(PageOrder order, std::uint32_t page_size_bytes,
                                       bool judged) const {
    const GraphRelations relations(graph_.adjacency, points_);
    layouts::PageJudge judge;
    if (judged && !trace_.judging.empty()) {
        judge = [this](std::span<const std::uint32_t> pages) {
            return pages_per_query(trace_.judging, pages);
        };
    }
    const layouts::PageOrderInput input{.vertices = relations,
                                        .degrees = degrees_,
                                        .entry_point = graph_.entry_point,
                                        .covisits = covisits_,
                                        .judge = judge};
    return layouts::pack_pages(shape(), degrees_, page_size_bytes,
                               [&](const layouts::PageGeometry& geometry) {
                                   return layouts::make_page_groups(order, input, geometry, arena_);
                               });
}

// Sizes are tried with the order chosen, unrefined, in rising order until one costs a query more
// than the one before.
void ShardLayout::choose_page_size(const PageCosts& costs) {
    const std::uint32_t smallest = *layouts::smallest_page_size(shape());
    double least = std::numeric_limits<double>::infinity();
    std::uint32_t best = smallest;
    std::uint32_t size = kMinPageSize;
    for (const double cost : costs) {
        if (size >= smallest && !arena_.stopped()) {
            const auto packing = pack(choices_.page_order, size, false);
            const double total = cost * pages_per_query(trace_.judging, page_of(packing));
            if (total >= least) break;
            least = total;
            best = size;
        }
        size *= 2;
    }
    choices_.page_size_bytes = best;
}

void ShardLayout::order_pages() {
    const std::uint32_t size = choices_.page_size_bytes;
    pages_before_ =
        pages_per_query(trace_.judging, page_of(pack(PageOrder::kInsertion, size, false)));
    packing_ = pack(choices_.page_order, size, true);
    pages_after_ = pages_per_query(trace_.judging, page_of(packing_));
}

void ShardLayout::number_pages(const layouts::Uuid& uuid) {
    packing_.geometry.seed = layouts::page_seed(uuid, 0);
    description_ = {.geometry = packing_.geometry,
                    .shard_id = 0,
                    .vertex_count = graph_.adjacency.vertex_count(),
                    .dimension = graph_.vectors.dimension,
                    .entry_point = packing_.place[graph_.entry_point],
                    .element_type = graph_.vectors.element_type,
                    .metric = graph_.metric,
                    .page_order = choices_.page_order};
    const std::size_t code_bytes = graph_.codec.code_bytes();
    codes_.assign(packing_.geometry.place_count() * code_bytes, 0);
    for (std::size_t v = 0; v < packing_.place.size(); ++v) {
        const std::size_t place = static_cast<std::uint32_t>(packing_.place[v]);
        std::memcpy(codes_.data() + place * code_bytes, graph_.codes.data() + v * code_bytes,
                    code_bytes);
    }
    navigation_places_ = navigation_places(navigation_rows_, packing_.place);
    hot_ = hot_places(trace_.training, packing_);
}

Status ShardLayout::calibrate_with(const JudgingQueries& judging, const io::File& pages) {
    const LaidOutShard shard{graph_, description_, packing_.place, codes_, navigation_places_,
                             hot_,   pages};
    TRACKWAY_TRY_ASSIGN(calibration, calibrate(shard, judging, arena_));
    calibration_ = std::move(calibration);
    return {};
}

void ShardLayout::keep_calibration(Calibration calibration) {
    calibration_ = std::move(calibration);
    if (calibration_.curve_with_edges.list_size == 0) return;
    calibration_.curve_with_edges.edge_bytes =
        beam::ResidentEdges::bytes_for(description_.geometry.place_count(), degrees_);
}

std::vector<layouts::CovisitRow> ShardLayout::covisit_rows() const {
    std::vector<layouts::CovisitRow> rows;
    const auto place = [&](std::uint32_t v) {
        return static_cast<std::uint32_t>(packing_.place[v]);
    };
    for (std::uint32_t v = 0; v < packing_.place.size(); ++v) {
        if (covisits_.strength[v] <= 0) continue;
        rows.push_back({place(v), place(v), covisits_.strength[v]});
        for (const layouts::Covisit& edge : covisits_.of(v))
            rows.push_back({place(v), place(edge.vertex), edge.weight});
    }
    return rows;
}

void ShardLayout::report(LayoutReport& report) const {
    const layouts::PageGeometry& geometry = packing_.geometry;
    report.order = choices_.page_order;
    report.page_size_bytes = geometry.page_size_bytes;
    report.vertices_per_page = geometry.vertices_per_page;
    report.mean_vertices_per_page =
        static_cast<double>(packing_.place.size()) / geometry.page_count;
    report.queries_traced = trace_.training.size() + trace_.judging.size();
    report.traced_pages_before = pages_before_;
    report.traced_pages_after = pages_after_;
    report.expand_share = calibration_.expand_share_permille / 1000.0;
    report.expected_pages_per_query = calibration_.pages_per_query;
    report.expected_estimates_per_query = calibration_.estimates_per_query;
    report.encoding_recall_without_rerank = calibration_.recall_without_rerank;
}

}  // namespace trackway::builder
