#include "search/residence.h"

#include "base/aligned_buffer.h"
#include "base/errors.h"
#include "beam/residence_loader.h"
#include "io/page_reader.h"
#include "search/read_status.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace trackway::search {
namespace {

constexpr std::uint32_t kReadsInFlight = 64;
constexpr std::uint64_t kDefaultShare = 20;  // one part in 20 of the index

// Between the numbers that were tried; beyond the last no more is known to be saved.
float pages_with(const layouts::RecallCurve& curve, std::uint32_t hot_vertices) {
    if (curve.hot.empty()) return 0;
    for (std::size_t i = 1; i < curve.hot.size(); ++i) {
        const layouts::HotSaving& before = curve.hot[i - 1];
        const layouts::HotSaving& after = curve.hot[i];
        if (hot_vertices > after.vertices) continue;
        const float part = static_cast<float>(hot_vertices - before.vertices) /
                           static_cast<float>(after.vertices - before.vertices);
        return before.pages_per_query + part * (after.pages_per_query - before.pages_per_query);
    }
    return curve.hot.back().pages_per_query;
}

float hot_share(const layouts::RecallCurve& curve, std::uint32_t hot_vertices) {
    if (curve.hot.size() < 2) return 0;
    return static_cast<float>(hot_vertices) / static_cast<float>(curve.hot.back().vertices);
}

std::uint32_t hot_within(const OpenedGraph& graph, std::uint64_t bytes) {
    const std::uint64_t each = beam::HotRecords::record_bytes(graph.geometry());
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(bytes / each, graph.hot_order().size()));
}

ResidencePlan plan_of(const OpenedGraph& graph, std::uint32_t hot_vertices, bool edges) {
    const layouts::RecallCurve& curve = edges ? graph.curve_with_edges : graph.curve;
    return {.hot_vertices = hot_vertices,
            .edges = edges,
            .whole_pages = {},
            .hot_share = hot_share(curve, hot_vertices),
            .pages_with_tables = pages_with(graph.curve, 0),
            .pages_with_edges = pages_with(curve, 0),
            .pages_with_all = pages_with(curve, hot_vertices)};
}

// All records, read like pages that are there: nothing is read, and recall is that of pages.
ResidencePlan whole_graph(const OpenedGraph& graph) {
    ResidencePlan plan = plan_of(graph, 0, false);
    for (std::uint32_t page = 0; page < graph.geometry().page_count; ++page)
        plan.whole_pages.push_back(PageId{page});
    plan.pages_with_all = 0;
    return plan;
}

// What all records take: as many as there are of the largest size, or the pages that hold them and
// what each takes in tables.
std::uint64_t whole_graph_bytes(const OpenedGraph& graph) {
    const std::uint64_t vertices = graph.files.description().vertex_count;
    return std::min(vertices * beam::HotRecords::record_bytes(graph.geometry()),
                    graph.files.bytes() + vertices * beam::HotRecords::kTableBytesEach);
}

// Pages of hot vertices, hottest first, of which the other records fit as well.
std::vector<PageId> pages_within(const OpenedGraph& graph, std::uint64_t bytes) {
    const layouts::PageGeometry& geometry = graph.geometry();
    const std::uint64_t each = beam::HotRecords::record_bytes(geometry);
    std::vector<std::uint16_t> hot_on(geometry.page_count);
    for (const std::uint32_t place : graph.hot_order())
        ++hot_on[static_cast<std::uint32_t>(geometry.page_of(LocalId{place}))];
    std::vector<bool> taken(geometry.page_count);
    std::vector<PageId> pages;
    for (const std::uint32_t place : graph.hot_order()) {
        const PageId page = geometry.page_of(LocalId{place});
        const auto number = static_cast<std::uint32_t>(page);
        if (taken[number]) continue;
        const std::uint64_t others =
            (geometry.vertices_per_page -
             std::min<std::uint32_t>(hot_on[number], geometry.vertices_per_page)) *
            each;
        if (others > bytes) break;
        bytes -= others;
        taken[number] = true;
        pages.push_back(page);
    }
    std::sort(pages.begin(), pages.end());
    return pages;
}

// Room that hot vertices leave once all are resident.
void fill(const OpenedGraph& graph, std::uint64_t room, ResidencePlan& plan) {
    if (plan.hot_vertices < graph.hot_order().size()) return;
    const std::uint64_t taken =
        plan.hot_vertices * beam::HotRecords::record_bytes(graph.geometry()) +
        (plan.edges ? graph.curve_with_edges.edge_bytes : 0);
    plan.whole_pages = pages_within(graph, room - taken);
}

}  // namespace

Result<ResidencePlan> plan_residence(const OpenedGraph& graph, const OpenOptions& options) {
    const std::uint64_t listed = graph.hot_order().size();
    if (options.cache_vertices) {
        const auto count = static_cast<std::uint32_t>(std::min(*options.cache_vertices, listed));
        const std::uint64_t needed =
            graph.table_bytes() + count * beam::HotRecords::record_bytes(graph.geometry());
        if (options.memory_budget_bytes != 0 && options.memory_budget_bytes < needed) {
            return base::fail(ErrorCode::kOutOfMemory,
                              base::join("memory budget: ", count,
                                         " hot vertices, codes and "
                                         "navigation need ",
                                         needed, " bytes, found ", options.memory_budget_bytes));
        }
        return plan_of(graph, count, false);
    }
    std::uint64_t room = graph.files.bytes() / kDefaultShare;
    if (options.memory_budget_bytes != 0) {
        if (options.memory_budget_bytes < graph.table_bytes()) {
            return base::fail(
                ErrorCode::kOutOfMemory,
                base::join("memory budget: codes and navigation need ", graph.table_bytes(),
                           " bytes, found ", options.memory_budget_bytes));
        }
        room = options.memory_budget_bytes - graph.table_bytes();
    }
    if (room >= whole_graph_bytes(graph)) return whole_graph(graph);
    ResidencePlan plan = plan_of(graph, hot_within(graph, room), false);
    const std::uint64_t edge_bytes = graph.curve_with_edges.edge_bytes;
    if (!graph.curve_with_edges.hot.empty() && room >= edge_bytes) {
        ResidencePlan with = plan_of(graph, hot_within(graph, room - edge_bytes), true);
        if (with.pages_with_all < plan.pages_with_all) plan = std::move(with);
    }
    fill(graph, room, plan);
    return plan;
}

Result<LeftOut> load_residence(OpenedGraph& graph, const ResidencePlan& plan, IoEngine engine) {
    const layouts::PageGeometry& geometry = graph.geometry();
    const std::size_t page_size = geometry.page_size_bytes;
    beam::ResidenceLoader loader(geometry,
                                 {.hot_places = graph.hot_order().first(plan.hot_vertices),
                                  .whole_pages = plan.whole_pages,
                                  .all_edges = plan.edges});
    const std::span<const PageId> pages = loader.pages();
    LeftOut left_out;
    if (pages.empty()) return left_out;
    base::AlignedBuffer buffers(kReadsInFlight * page_size);
    std::vector<const io::File*> files;
    for (const layouts::ShardFile& shard : graph.files.shards())
        files.push_back(&shard.file);
    TRACKWAY_TRY_ASSIGN(
        reader, io::open_page_reader(
                    engine, {files, buffers.span(), geometry.page_size_bytes, kReadsInFlight}));
    std::vector<io::PageRead> reads(kReadsInFlight);
    std::vector<io::PageRead*> to_submit;
    for (std::size_t begin = 0; begin < pages.size(); begin += kReadsInFlight) {
        const std::size_t batch = std::min<std::size_t>(kReadsInFlight, pages.size() - begin);
        to_submit.clear();
        for (std::size_t i = 0; i < batch; ++i) {
            reads[i] = {.file = geometry.shard_of(pages[begin + i]),
                        .offset = geometry.offset_of(pages[begin + i]),
                        .buffer = buffers.data() + i * page_size};
            to_submit.push_back(&reads[i]);
        }
        reader->submit(to_submit);
        for (std::size_t done = 0; done < batch;)
            done += reader->reap().size();
        for (std::size_t i = 0; i < batch; ++i) {
            const io::File& file = graph.files.file_of(pages[begin + i]);
            Status status = read_status(file, geometry.page_size_bytes, reads[i]);
            if (status) {
                status = loader.absorb({reads[i].buffer, page_size});
                if (status) continue;
                status.error().message.insert(0, file.path().string() + ": ");
            } else {
                loader.leave_out();
            }
            if (left_out.pages++ == 0) left_out.first = status.error().message;
        }
    }
    beam::Residence residence = loader.take();
    // The budget was planned with what the manifest says.
    if (residence.edges && left_out.pages == 0 &&
        residence.edges->bytes() != graph.curve_with_edges.edge_bytes) {
        return base::fail(
            ErrorCode::kCorruption,
            base::join(graph.files.shards().front().file.path().string(),
                       ": resident edges: expected ", graph.curve_with_edges.edge_bytes,
                       " bytes (edge_bytes of the manifest), found ", residence.edges->bytes()));
    }
    graph.hot = std::move(residence.hot);
    graph.edges = std::move(residence.edges);
    return left_out;
}

}  // namespace trackway::search
