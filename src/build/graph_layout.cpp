#include "build/graph_layout.h"

#include "base/errors.h"
#include "beam/resident_edges.h"
#include "build/ordered_shard.h"
#include "layouts/page_order.h"

#include <cstring>
#include <limits>
#include <utility>

namespace trackway::builder {
namespace {

std::vector<std::uint32_t> page_of(const layouts::PagePacking& packing) {
    std::vector<std::uint32_t> pages(packing.place.size());
    for (std::size_t v = 0; v < pages.size(); ++v)
        pages[v] = static_cast<std::uint32_t>(packing.geometry.page_of(packing.place[v]));
    return pages;
}

}  // namespace

GraphLayout::GraphLayout(const BuiltGraph& graph, const LayoutChoices& choices,
                         const base::Arena& arena)
    : graph_(graph), choices_(choices), arena_(arena) {
    for (std::uint32_t v = 0; v < graph.adjacency.vertex_count(); ++v)
        degrees_.push_back(static_cast<std::uint32_t>(graph.adjacency.neighbors(v).size()));
}

Trace GraphLayout::trace(const Workload& workload) const {
    const NavigationRows navigation =
        build_navigation(graph_.vectors, graph_.metric, {}, choices_.seed, arena_);
    return arena_.stopped() ? Trace() : trace_workload(graph_, navigation, workload, arena_);
}

// From here on searches begin at vertices near which many queries end.
void GraphLayout::use_trace(Trace trace) {
    trace_ = std::move(trace);
    covisits_ = join_covisits(trace_.training, graph_.adjacency.vertex_count());
    navigation_rows_ =
        build_navigation(graph_.vectors, graph_.metric, covisits_.strength, choices_.seed, arena_);
}

layouts::RecordShape GraphLayout::shape() const {
    return {.vector_bytes = static_cast<std::uint32_t>(graph_.vectors.row_bytes()),
            .max_degree = graph_.adjacency.capacity(),
            .vertex_count = graph_.adjacency.vertex_count(),
            .row_count = graph_.numbers.row_count(),
            .exact_row_bytes = static_cast<std::uint32_t>(graph_.given.row_bytes())};
}

layouts::PagePacking GraphLayout::pack(PageOrder order, std::uint32_t page_size_bytes,
                                       bool judged) const {
    const std::span<const Visits> judging =
        judged ? std::span<const Visits>(trace_.judging) : std::span<const Visits>();
    return layouts::pack_pages(
        shape(), degrees_, page_size_bytes, [&](const layouts::PageGeometry& geometry) {
            layouts::PageGroups all;
            all.first = {0};
            for (std::uint32_t i = 0; i < graph_.numbers.shard_count(); ++i) {
                const OrderedShard shard(graph_, {covisits_, judging}, i, arena_);
                shard.append_groups(order, degrees_, geometry, all);
            }
            return all;
        });
}

// Sizes are tried with the order chosen, unrefined, in rising order until one costs a query more
// than the one before.
std::uint32_t GraphLayout::choose_page_size(const PageCosts& costs) const {
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
    return best;
}

OrderedPages GraphLayout::order_pages(const std::optional<PageCosts>& costs) {
    const std::uint32_t size = costs ? choose_page_size(*costs) : choices_.page_size_bytes;
    OrderedPages pages;
    pages.traced_before =
        pages_per_query(trace_.judging, page_of(pack(PageOrder::kInsertion, size, false)));
    layouts::PagePacking packing = pack(choices_.page_order, size, true);
    pages.traced_after = pages_per_query(trace_.judging, page_of(packing));
    pages.shape = {size, packing.geometry.vertices_per_page, packing.geometry.edges.place_limit()};
    pages.groups = std::move(packing.groups);
    return pages;
}

void GraphLayout::use_pages(OrderedPages pages, const layouts::Uuid& uuid) {
    pages_before_ = pages.traced_before;
    pages_after_ = pages.traced_after;
    packing_ = layouts::repack_pages(shape(), pages.shape, std::move(pages.groups));
    find_extents();
    packing_.geometry.seed = layouts::page_seed(uuid);
    for (const layouts::ShardExtent& extent : std::span(extents_).subspan(1))
        packing_.geometry.file_starts.push_back(extent.first_page);
    description_ = {.geometry = packing_.geometry,
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

// A page holds vertices of one shard.
void GraphLayout::find_extents() {
    const VertexNumbers& numbers = graph_.numbers;
    extents_.clear();
    std::uint32_t page = 0;
    for (std::uint32_t shard = 0; shard < numbers.shard_count(); ++shard) {
        const std::uint32_t first = page;
        while (page < packing_.geometry.page_count &&
               packing_.groups.page(page).front() < numbers.end(shard))
            ++page;
        extents_.push_back({shard, first, page - first, numbers.count(shard)});
    }
}

Status GraphLayout::calibrate_with(const JudgingQueries& judging,
                                   const layouts::GraphFiles& pages) {
    const LaidOutGraph laid_out{
        .graph = graph_,
        .description = description_,
        .place_of = packing_.place,
        .codes = codes_,
        .navigation = navigation_places_,
        .hot = hot_,
        .pages = pages,
        .edge_bytes = edge_bytes(),
        .resident_bytes_max = choices_.calibration_bytes,
        .accept_lossy = choices_.accept_lossy,
    };
    TRACKWAY_TRY_ASSIGN(calibration, calibrate(laid_out, judging, arena_));
    calibration_ = std::move(calibration);
    return {};
}

void GraphLayout::keep_calibration(Calibration calibration) {
    calibration_ = std::move(calibration);
    if (calibration_.curve_with_edges.list_size == 0) return;
    calibration_.curve_with_edges.edge_bytes = edge_bytes();
}

std::uint64_t GraphLayout::edge_bytes() const {
    return beam::ResidentEdges::bytes_for(description_.geometry.place_count(), degrees_);
}

std::vector<layouts::CovisitRow> GraphLayout::covisit_rows() const {
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

void GraphLayout::report(LayoutReport& report) const {
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
    report.not_tried = calibration_.left_out;
}

}  // namespace trackway::builder
