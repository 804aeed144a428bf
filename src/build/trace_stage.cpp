#include "build/trace_stage.h"

#include "base/assert.h"

#include <algorithm>
#include <memory>

namespace trackway::builder {
namespace {

constexpr std::uint32_t kTraceList = 24;

// Every vertex alone on a page of its own, so that places are vertices.
layouts::PagePacking one_to_a_page(const BuiltGraph& graph) {
    const auto count = static_cast<std::uint32_t>(graph.vectors.row_count);
    const layouts::RecordShape shape{
        .vector_bytes = static_cast<std::uint32_t>(graph.vectors.row_bytes()),
        .max_degree = graph.adjacency.capacity(),
        .vertex_count = count,
        .row_count = graph.numbers.row_count()};
    layouts::PagePacking packing;
    packing.geometry = {.page_size_bytes = *layouts::smallest_page_size(shape),
                        .vector_bytes = shape.vector_bytes,
                        .vertices_per_page = 1,
                        .page_count = count,
                        .max_degree = shape.max_degree,
                        .row_bits = base::bit_width_of(shape.row_count - 1),
                        .row_count = shape.row_count,
                        .edges = layouts::EdgeCode::elias_fano(count)};
    packing.groups.order.resize(count);
    packing.groups.first.resize(std::size_t{count} + 1);
    packing.place.resize(count);
    for (std::uint32_t v = 0; v < count; ++v) {
        packing.groups.order[v] = v;
        packing.groups.first[v] = v;
        packing.place[v] = LocalId{v};
    }
    packing.groups.first[count] = count;
    return packing;
}

std::vector<std::uint32_t> useful_vertices(const beam::BeamSearch& search) {
    std::vector<std::uint32_t> useful;
    for (const graph::Candidate& candidate : search.frontier())
        useful.push_back(candidate.vertex);
    for (const graph::Candidate& candidate : search.found())
        useful.push_back(candidate.vertex);
    std::sort(useful.begin(), useful.end());
    useful.erase(std::unique(useful.begin(), useful.end()), useful.end());
    return useful;
}

}  // namespace

AloneOnPages::AloneOnPages(const BuiltGraph& graph)
    : graph_(graph),
      packing_(one_to_a_page(graph)),
      description_{.geometry = packing_.geometry,
                   .vertex_count = packing_.geometry.page_count,
                   .dimension = graph.vectors.dimension,
                   .entry_point = LocalId{graph.entry_point},
                   .element_type = graph.vectors.element_type,
                   .metric = graph.metric},
      pages_(graph, packing_) {}

beam::GraphView AloneOnPages::view() const {
    return {.description = description_,
            .codec = graph_.codec,
            .codes = {graph_.codes.data(), graph_.codec.code_bytes()}};
}

PageFetch AloneOnPages::fetch(std::uint32_t threads) const {
    auto scratch = std::make_shared<std::vector<PageMaker::Scratch>>(threads);
    return [this, scratch](PageId page, std::span<std::byte> bytes, std::uint32_t thread) {
        pages_.make(page, bytes, (*scratch)[thread]);
        return Status();
    };
}

Trace trace_workload(const BuiltGraph& graph, const NavigationRows& navigation,
                     const Workload& workload, const base::Arena& arena) {
    const AloneOnPages alone(graph);
    beam::GraphView view = alone.view();
    view.navigation = {navigation, kNavigationDegree};
    const PageFetch fetch = alone.fetch(arena.thread_count());
    std::vector<std::unique_ptr<TrialSearcher>> searchers;
    for (std::uint32_t i = 0; i < arena.thread_count(); ++i)
        searchers.push_back(std::make_unique<TrialSearcher>(view));
    const MatrixView& queries = workload.queries();
    std::vector<Visits> visits(queries.row_count);
    const beam::BeamParams params = trial_params(graph.vectors.row_count, kTraceList);
    arena.parallel_for(visits.size(), kQueriesAtATime,
                       [&](std::size_t begin, std::size_t end, std::uint32_t thread) {
                           TrialSearcher& own = *searchers[thread];
                           for (std::size_t i = begin; i < end; ++i) {
                               // A page that was made a moment ago cannot be damaged.
                               const Status done = own.run(queries.row(i), params, fetch, thread,
                                                           {.visits = &visits[i].expanded});
                               TRACKWAY_ASSERT(done.has_value());
                               visits[i].useful = useful_vertices(own.search());
                           }
                       });
    Trace trace;
    for (std::size_t i = 0; i < visits.size() && !arena.stopped(); ++i) {
        auto& half = Workload::judges(i) ? trace.judging : trace.training;
        half.push_back(std::move(visits[i]));
    }
    return trace;
}

}  // namespace trackway::builder
