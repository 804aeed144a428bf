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
            .hot_share = hot_share(curve, hot_vertices),
            .pages_with_tables = pages_with(graph.curve, 0),
            .pages_with_edges = pages_with(curve, 0),
            .pages_with_all = pages_with(curve, hot_vertices)};
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
    const ResidencePlan without = plan_of(graph, hot_within(graph, room), false);
    const std::uint64_t edge_bytes = graph.curve_with_edges.edge_bytes;
    if (graph.curve_with_edges.hot.empty() || room < edge_bytes) return without;
    const ResidencePlan with = plan_of(graph, hot_within(graph, room - edge_bytes), true);
    return with.pages_with_all < without.pages_with_all ? with : without;
}

Result<LeftOut> load_residence(OpenedGraph& graph, const ResidencePlan& plan, IoEngine engine) {
    const layouts::PageGeometry& geometry = graph.geometry();
    const std::size_t page_size = geometry.page_size_bytes;
    beam::ResidenceLoader loader(geometry, graph.hot_order().first(plan.hot_vertices), plan.edges);
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
