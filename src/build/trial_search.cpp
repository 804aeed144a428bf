#include "build/trial_search.h"

#include "base/assert.h"
#include "distance/distance.h"

#include <algorithm>
#include <utility>

namespace trackway::builder {
namespace {

TrialOutcome between(const TrialOutcome& before, const TrialOutcome& after, double recall) {
    if (before.pages == 0 || after.recall <= before.recall) return after;
    const double part = (recall - before.recall) / (after.recall - before.recall);
    return {recall, before.pages + part * (after.pages - before.pages),
            before.estimates + part * (after.estimates - before.estimates)};
}

}  // namespace

Status TrialSearcher::run(const std::byte* query, const beam::BeamParams& params,
                          const PageFetch& fetch, std::uint32_t thread,
                          std::vector<std::uint32_t>* visits) {
    TRACKWAY_TRY(search_.start(query, params, visits));
    while (!search_.done()) {
        TRACKWAY_ASSERT(search_.wanted().size() == 1);  // beam width 1
        const PageId wanted = search_.wanted().front();
        TRACKWAY_TRY(fetch(wanted, page_, thread));
        TRACKWAY_TRY(search_.absorb(wanted, page_));
    }
    return {};
}

TrialRuns::TrialRuns(TrialTask task, const base::Arena& arena)
    : task_(std::move(task)), arena_(arena) {
    for (std::uint32_t i = 0; i < arena.thread_count(); ++i)
        searchers_.push_back(std::make_unique<TrialSearcher>(task_.view));
}

TrialOutcome TrialRuns::run(const beam::BeamParams& params, std::uint32_t rerank) {
    beam::BeamParams used = params;
    used.k = std::max(params.k, std::min(rerank, params.search_list_size));
    const std::size_t count = (task_.judging.numbers.size() + task_.step - 1) / task_.step;
    std::vector<beam::BeamCounts> counts(count);
    std::vector<std::uint32_t> hits(count);
    std::vector<Status> failed(arena_.thread_count());
    arena_.parallel_for(
        count, kQueriesAtATime, [&](std::size_t begin, std::size_t end, std::uint32_t thread) {
            TrialSearcher& own = *searchers_[thread];
            for (std::size_t i = begin; i < end && failed[thread]; ++i) {
                const std::byte* query =
                    task_.judging.workload->queries().row(task_.judging.numbers[i * task_.step]);
                failed[thread] = own.run(query, used, task_.fetch, thread);
                counts[i] = own.search().counts();
                hits[i] = hits_of(i * task_.step, own.search().found(), rerank);
            }
        });
    TrialOutcome sums;
    for (std::size_t i = 0; i < count; ++i) {
        sums.recall += hits[i];
        sums.pages += counts[i].pages;
        sums.estimates += counts[i].estimates;
    }
    for (Status& status : failed) {
        if (!status && status_) status_ = std::move(status);
    }
    const auto queries = static_cast<double>(count);
    return {sums.recall / (queries * task_.judging.k), sums.pages / queries,
            sums.estimates / queries};
}

// A row that is as near as the farthest true one counts.
std::uint32_t TrialRuns::hits_of(std::size_t query, std::span<const graph::Candidate> found,
                                 std::uint32_t rerank) const {
    const std::span<const graph::Candidate> truth = task_.judging.truth[query].list();
    if (truth.size() < task_.judging.k) return 0;  // the scan was stopped
    const bool has_codes = task_.graph.given.data != nullptr;
    graph::Frontier nearest;
    nearest.reset(task_.judging.k);
    if (has_codes && rerank > 0) {
        const auto measure = distance::distance_function(task_.view.description.metric,
                                                         task_.graph.given.element_type);
        std::vector<std::uint32_t> rows;
        for (const graph::Candidate& candidate : found)
            rows.push_back(task_.graph.numbers.vertex(candidate.vertex));
        std::vector<float> distances(rows.size());
        measure(task_.judging.workload->given().row(task_.judging.numbers[query]),
                {task_.graph.given.data, task_.graph.given.row_bytes(), rows.data(), rows.size()},
                task_.graph.given.dimension, distances.data());
        for (std::size_t i = 0; i < rows.size(); ++i)
            nearest.insert({distances[i], found[i].vertex, 0});
    } else {
        for (const graph::Candidate& candidate : found)
            nearest.insert({candidate.distance, candidate.vertex, 0});
    }
    const bool comparable = !has_codes || rerank > 0;
    std::uint32_t hits = 0;
    for (const graph::Candidate& candidate : nearest.list()) {
        const bool as_near = comparable && candidate.distance <= truth.back().distance;
        const bool named = std::any_of(truth.begin(), truth.end(), [&](const graph::Candidate& t) {
            return t.vertex == candidate.vertex;
        });
        hits += as_near || named ? 1 : 0;
    }
    return hits;
}

std::vector<TrialOutcome> TrialRuns::costs_at(std::span<const double> recalls,
                                              std::span<const beam::BeamParams> settings,
                                              std::uint32_t rerank) {
    std::vector<TrialOutcome> costs;
    TrialOutcome before;
    for (const beam::BeamParams& params : settings) {
        if (costs.size() == recalls.size() || arena_.stopped()) break;
        const TrialOutcome now = run(params, rerank);
        while (costs.size() < recalls.size() && now.recall >= recalls[costs.size()])
            costs.push_back(between(before, now, recalls[costs.size()]));
        before = now;
    }
    costs.resize(recalls.size(), before);
    return costs;
}

}  // namespace trackway::builder
