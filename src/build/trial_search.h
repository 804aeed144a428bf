// Searches that a build runs to see what settings find, and at what cost.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "base/arena.h"
#include "beam/beam_search.h"
#include "build/built_graph.h"
#include "build/judging_queries.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace trackway::builder {

// By one thread; before each block the memory limit is looked at. A query touches some hundred rows
// anywhere in mapped files, each of which makes 64 KiB resident.
constexpr std::size_t kQueriesAtATime = 1;

// What settings are judged at: recall@10 of 95 % and 99 %.
constexpr double kRecallsAimed[] = {0.95, 0.99};
// Where vectors are encoded: rows measured again by exact vectors, for each neighbour.
constexpr std::uint32_t kRerankFactor = 2;

// With no more than there are vertices.
inline beam::BeamParams trial_params(std::uint64_t vertices, std::uint32_t list,
                                     float expand_share = 0) noexcept {
    const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(vertices, UINT32_MAX));
    const std::uint32_t k = std::min(kNeighborsSought, count);
    return {.k = k,
            .search_list_size = std::max(k, std::min(list, count)),
            .expand_share = expand_share};
}

// Fills in one page; called by any thread, which gives its number.
using PageFetch = std::function<Status(PageId, std::span<std::byte>, std::uint32_t)>;

// Who is told what a search does, and what it leaves out.
struct TrialObservers {
    std::vector<std::uint32_t>* visits = nullptr;  // see BeamSearch::start()
    const beam::MarginWatch* watch = nullptr;
    std::span<const std::uint32_t> excluded = {};  // see BeamSearch::exclude()
    std::span<const beam::Bridge> bridges = {};
};

// One thread's search.
class TrialSearcher {
public:
    explicit TrialSearcher(const beam::GraphView& view)
        : search_(view), page_(view.geometry().page_size_bytes) {}

    // Runs the search to its end, with beam width 1.
    Status run(const std::byte* query, const beam::BeamParams& params, const PageFetch& fetch,
               std::uint32_t thread, const TrialObservers& observers = {});

    const beam::BeamSearch& search() const noexcept { return search_; }

private:
    beam::BeamSearch search_;
    std::vector<std::byte> page_;
};

struct TrialOutcome {
    double recall = 0;
    double pages = 0;      // mean
    double estimates = 0;  // mean
};

struct TrialTask {
    const beam::GraphView& view;
    const JudgingQueries& judging;
    const BuiltGraph& graph;  // that the view shows
    PageFetch fetch;
    std::uint32_t step = 1;                  // of the judging queries, every step-th is run
    std::span<const LocalId> place_of = {};  // of each vertex; empty: the same number
};

// By what to multiply the cost of a setting that finds less than was aimed at: by how much more it
// misses. At least 1.
inline double weight_of_misses(const TrialOutcome& found, double aimed) noexcept {
    return std::max(1.0, (1 - found.recall) / (1 - aimed));
}

// Over kRecallsAimed. cost_of gives the cost of one outcome.
template <class CostOf>
double sum_of_costs(std::span<const TrialOutcome> outcomes, const CostOf& cost_of) {
    double sum = 0;
    for (std::size_t i = 0; i < outcomes.size(); ++i)
        sum += cost_of(outcomes[i]) * weight_of_misses(outcomes[i], kRecallsAimed[i]);
    return sum;
}

// Of outcomes of rising recall, the cost of each of the recalls, interpolated; of the last outcome
// where that does not reach it.
std::vector<TrialOutcome> costs_at_recalls(std::span<const double> recalls,
                                           std::span<const TrialOutcome> outcomes);

class TrialRuns {
public:
    // What the task refers to must outlive it.
    TrialRuns(TrialTask task, const base::Arena& arena);

    // The recall of the queries. rerank: so many of the nearest by codes are measured again
    // by the vectors given; 0: none.
    TrialOutcome run(const beam::BeamParams& params, std::uint32_t rerank);

    // The same with each of the stop margins, ascending; kMarginMost stands for none. All together
    // cost what the last one costs, as long as no edges are resident.
    std::vector<TrialOutcome> sweep(const beam::BeamParams& params, std::span<const float> margins,
                                    std::uint32_t rerank);

    // What the settings cost, one after the other, at each of the recalls, interpolated; at the
    // last setting where even that does not reach it. REQUIRES: recalls rise, settings too.
    std::vector<TrialOutcome> costs_at(std::span<const double> recalls,
                                       std::span<const beam::BeamParams> settings,
                                       std::uint32_t rerank);

    // Of the first read that failed.
    Status status() const { return status_; }

private:
    std::vector<TrialOutcome> run_watched(const beam::BeamParams& params,
                                          std::span<const float> margins, std::uint32_t rerank);
    std::uint32_t hits_of(std::size_t query, std::span<const graph::Candidate> found,
                          std::uint32_t rerank) const;

    TrialTask task_;
    const base::Arena& arena_;
    std::vector<std::unique_ptr<TrialSearcher>> searchers_;
    // Of each query that is run, by places.
    std::vector<std::vector<std::uint32_t>> excluded_;
    std::vector<std::vector<beam::Bridge>> bridges_;
    Status status_;
};

}  // namespace trackway::builder
