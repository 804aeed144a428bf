#include "build/trace_stage.h"

#include "base/assert.h"
#include "base/errors.h"
#include "build/page_maker.h"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>

namespace trackway::builder {
namespace {

constexpr std::size_t kBlock = 16;  // queries that one thread takes at a time
constexpr std::uint32_t kNeighbors = 10;
constexpr std::uint32_t kTraceList = 24;
// So thorough that no setting finds what this misses.
constexpr std::uint32_t kThoroughList = 300;
constexpr float kThoroughShare = 0.3F;
constexpr std::size_t kCalibrationQueries = 768;
constexpr double kRecallsAimed[] = {0.95, 0.99};
// A query waits as long for a page, 75 us, as it takes to make this many estimates of 16 ns.
constexpr double kEstimatesPerPage = 4700;
// What a query may estimate more than without expanding page-mates at once: its CPU is not free.
constexpr double kGrowthMax = 2.5;
// More than a fifth reads 1 % less and estimates a third more (sift250k).
constexpr std::uint32_t kSharesPermille[] = {0, 100, 200};
constexpr std::uint32_t kLists[] = {10, 12, 15, 18, 22, 26, 30,  35,
                                    40, 46, 52, 60, 70, 85, 105, 130};

// One thread's search.
struct Searcher {
    explicit Searcher(const beam::ShardView& view)
        : search(view), page(view.geometry().page_size_bytes) {}

    // Runs the search to its end; fetch(page, bytes) -> Status fills in one page.
    template <class Fetch>
    Status run(const std::byte* query, const beam::BeamParams& params, const Fetch& fetch,
               std::vector<std::uint32_t>* visits = nullptr) {
        TRACKWAY_TRY(search.start(query, params, visits));
        while (!search.done()) {
            TRACKWAY_ASSERT(search.wanted().size() == 1);  // beam width 1
            const PageId wanted = search.wanted().front();
            TRACKWAY_TRY(fetch(wanted, std::span<std::byte>(page)));
            TRACKWAY_TRY(search.absorb(wanted, page));
        }
        return {};
    }

    beam::BeamSearch search;
    PageMaker::Scratch scratch;
    std::vector<std::byte> page;
    Status status;
};

std::vector<std::unique_ptr<Searcher>> make_searchers(const beam::ShardView& view,
                                                      const base::Arena& arena) {
    std::vector<std::unique_ptr<Searcher>> searchers;
    for (std::uint32_t i = 0; i < arena.thread_count(); ++i)
        searchers.push_back(std::make_unique<Searcher>(view));
    return searchers;
}

// Every vertex alone on a page of its own, so that places are vertices.
layouts::PagePacking one_to_a_page(const ShardGraph& shard) {
    const auto count = static_cast<std::uint32_t>(shard.vectors.row_count);
    const layouts::RecordShape shape{
        .vector_bytes = static_cast<std::uint32_t>(shard.vectors.row_bytes()),
        .max_degree = shard.adjacency.capacity(),
        .vertex_count = count,
        .row_count = shard.row_count};
    layouts::PagePacking packing;
    packing.geometry = {.page_size_bytes = *layouts::smallest_page_size(shape),
                        .vector_bytes = shape.vector_bytes,
                        .vertices_per_page = 1,
                        .page_count = count,
                        .max_degree = shape.max_degree,
                        .row_bits = base::bit_width_of(shard.row_count - 1),
                        .row_count = shard.row_count,
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

beam::BeamParams params_for(std::uint64_t vertices, std::uint32_t list) {
    const auto count = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(vertices, std::numeric_limits<std::uint32_t>::max()));
    const std::uint32_t k = std::min(kNeighbors, count);
    return {.k = k, .search_list_size = std::max(k, std::min(list, count))};
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

// Judging queries on the final pages, at one setting after another.
class Calibrator {
public:
    Calibrator(const LaidOutShard& shard, const Workload& workload, const base::Arena& arena)
        : shard_(shard),
          workload_(workload),
          arena_(arena),
          view_{.description = shard.description,
                .quantizer = shard.graph.quantizer,
                .codes = {shard.codes.data(), shard.graph.quantizer.code_bytes()},
                .navigation = {shard.navigation, kNavigationDegree}},
          searchers_(make_searchers(view_, arena)) {
        const std::uint64_t count = workload.queries().row_count;
        const std::uint64_t judging = std::max<std::uint64_t>(count / 2, 1);
        const std::uint64_t used = std::min<std::uint64_t>(judging, kCalibrationQueries);
        for (std::uint64_t i = 0; i < used; ++i)
            queries_.push_back(std::min(i * judging / used * 2 + 1, count - 1));
    }

    // Shares in rising order, until one costs more than the one before.
    Result<Calibration> run_all() {
        double most_estimates = 0;
        beam::BeamParams thorough = params_for(count_vertices(), kThoroughList);
        thorough.expand_share = kThoroughShare;
        truth_ = run(thorough).found;
        Calibration best;
        best.recall_without_rerank = recall_without_rerank();
        double least = std::numeric_limits<double>::infinity();
        for (const std::uint32_t share : kSharesPermille) {
            const std::array<Cost, 2> costs = costs_at(share);
            double total = 0;
            for (const Cost& cost : costs)
                total += cost.pages + cost.estimates / kEstimatesPerPage;
            if (share == 0) most_estimates = kGrowthMax * costs[0].estimates;
            if (arena_.stopped() || total >= least || costs[0].estimates > most_estimates) break;
            least = total;
            best = {share, costs[0].pages, costs[0].estimates, best.recall_without_rerank};
        }
        for (const auto& searcher : searchers_)
            TRACKWAY_TRY(searcher->status);
        return best;
    }

private:
    using Found = std::vector<std::vector<std::uint32_t>>;  // rows, of each query
    struct Cost {
        double recall = 0, pages = 0, estimates = 0;
    };
    struct Outcome {
        Found found;
        double pages = 0, estimates = 0;  // means
    };

    std::uint64_t count_vertices() const noexcept { return shard_.graph.vectors.row_count; }

    Outcome run(const beam::BeamParams& params) {
        std::vector<beam::BeamCounts> counts(queries_.size());
        Outcome outcome{Found(queries_.size())};
        const auto fetch = [this](PageId page, std::span<std::byte> bytes) {
            return shard_.pages.read_exact(shard_.description.geometry.offset_of(page), bytes);
        };
        arena_.parallel_for(
            queries_.size(), kBlock, [&](std::size_t begin, std::size_t end, std::uint32_t thread) {
                Searcher& own = *searchers_[thread];
                for (std::size_t i = begin; i < end && own.status; ++i) {
                    own.status = own.run(workload_.queries().row(queries_[i]), params, fetch);
                    counts[i] = own.search.counts();
                    for (const graph::Candidate& candidate : own.search.found())
                        outcome.found[i].push_back(candidate.vertex);
                }
            });
        for (const beam::BeamCounts& count : counts) {
            outcome.pages += count.pages / static_cast<double>(counts.size());
            outcome.estimates += count.estimates / static_cast<double>(counts.size());
        }
        return outcome;
    }

    double recall_of(const Found& found) const {
        std::uint64_t hits = 0, all = 0;
        for (std::size_t i = 0; i < found.size(); ++i) {
            all += truth_[i].size();
            for (const std::uint32_t row : truth_[i])
                hits +=
                    std::find(found[i].begin(), found[i].end(), row) != found[i].end() ? 1U : 0U;
        }
        return static_cast<double>(hits) / static_cast<double>(std::max<std::uint64_t>(all, 1));
    }

    std::optional<double> recall_without_rerank() {
        const MatrixView& given = shard_.graph.given;
        if (given.data == nullptr) return std::nullopt;
        beam::BeamParams params = params_for(count_vertices(), kThoroughList);
        const std::uint32_t k = params.k;
        params.k = params.search_list_size;
        Found found = run(params).found;
        if (arena_.stopped()) return std::nullopt;
        const auto measure = distance::distance_function(shard_.graph.metric, given.element_type);
        std::vector<float> distances(params.k);
        std::vector<graph::Candidate> exact;
        std::uint64_t hits = 0, all = 0;
        for (std::size_t i = 0; i < found.size(); ++i) {
            measure(workload_.given().row(queries_[i]),
                    {given.data, given.row_bytes(), found[i].data(), found[i].size()},
                    given.dimension, distances.data());
            exact.clear();
            for (std::uint32_t rank = 0; rank < found[i].size(); ++rank)
                exact.push_back({distances[rank], found[i][rank], rank});
            std::sort(exact.begin(), exact.end(), graph::nearer);
            exact.resize(std::min<std::size_t>(k, exact.size()));
            all += exact.size();
            for (const graph::Candidate& candidate : exact)
                hits += candidate.mark < k ? 1U : 0U;
        }
        return static_cast<double>(hits) / static_cast<double>(std::max<std::uint64_t>(all, 1));
    }

    // At each recall aimed at, between the two lists around it; at the longest list where even that
    // does not reach it.
    std::array<Cost, 2> costs_at(std::uint32_t share_permille) {
        std::array<Cost, 2> costs;
        std::size_t reached = 0;
        Cost before;
        for (const std::uint32_t list : kLists) {
            beam::BeamParams params = params_for(count_vertices(), list);
            params.expand_share = static_cast<float>(share_permille) / 1000;
            const Outcome outcome = run(params);
            const Cost now{recall_of(outcome.found), outcome.pages, outcome.estimates};
            while (reached < costs.size() && now.recall >= kRecallsAimed[reached]) {
                costs[reached] = between(before, now, kRecallsAimed[reached]);
                ++reached;
            }
            if (reached == costs.size()) break;
            before = now;
        }
        for (; reached < costs.size(); ++reached)
            costs[reached] = before;
        return costs;
    }

    static Cost between(const Cost& before, const Cost& after, double recall) {
        if (before.pages == 0 || after.recall <= before.recall) return after;
        const double part = (recall - before.recall) / (after.recall - before.recall);
        return {recall, before.pages + part * (after.pages - before.pages),
                before.estimates + part * (after.estimates - before.estimates)};
    }

    const LaidOutShard& shard_;
    const Workload& workload_;
    const base::Arena& arena_;
    beam::ShardView view_;
    std::vector<std::unique_ptr<Searcher>> searchers_;
    std::vector<std::uint64_t> queries_;
    Found truth_;
};

}  // namespace

Trace trace_workload(const ShardGraph& shard, const NavigationRows& navigation,
                     const Workload& workload, const base::Arena& arena) {
    const layouts::PagePacking packing = one_to_a_page(shard);
    const layouts::ShardDescription description{.geometry = packing.geometry,
                                                .vertex_count = packing.geometry.page_count,
                                                .dimension = shard.vectors.dimension,
                                                .entry_point = LocalId{shard.entry_point},
                                                .element_type = shard.vectors.element_type,
                                                .metric = shard.metric};
    const beam::ShardView view{.description = description,
                               .quantizer = shard.quantizer,
                               .codes = {shard.codes.data(), shard.quantizer.code_bytes()},
                               .navigation = {navigation, kNavigationDegree}};
    const PageMaker pages(shard.vectors, shard.adjacency, packing);
    const auto searchers = make_searchers(view, arena);
    const MatrixView& queries = workload.queries();
    std::vector<Visits> visits(queries.row_count);
    const beam::BeamParams params = params_for(shard.vectors.row_count, kTraceList);
    arena.parallel_for(
        visits.size(), kBlock, [&](std::size_t begin, std::size_t end, std::uint32_t thread) {
            Searcher& own = *searchers[thread];
            for (std::size_t i = begin; i < end; ++i) {
                const auto fetch = [&](PageId page, std::span<std::byte> bytes) {
                    pages.make(page, bytes, own.scratch);
                    return Status();
                };
                // A page that was made a moment ago cannot be damaged.
                const Status done = own.run(queries.row(i), params, fetch, &visits[i].expanded);
                TRACKWAY_ASSERT(done.has_value());
                visits[i].useful = useful_vertices(own.search);
            }
        });
    Trace trace;
    for (std::size_t i = 0; i < visits.size() && !arena.stopped(); ++i) {
        auto& half = Workload::judges(i) ? trace.judging : trace.training;
        half.push_back(std::move(visits[i]));
    }
    return trace;
}

Result<Calibration> calibrate(const LaidOutShard& shard, const Workload& workload,
                              const base::Arena& arena) {
    Calibrator calibrator(shard, workload, arena);
    return calibrator.run_all();
}

}  // namespace trackway::builder
