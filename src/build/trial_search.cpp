#include "build/trial_search.h"

#include "base/assert.h"
#include "distance/distance.h"
#include "layouts/manifest.h"

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
                          const TrialObservers& observers) {
    search_.watch_margins(observers.watch);
    search_.exclude(observers.excluded, observers.bridges);
    TRACKWAY_TRY(search_.start(query, params, observers.visits));
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
    for (std::size_t query = 0; query < task_.judging.numbers.size(); query += task_.step) {
        std::vector<std::uint32_t>& places = excluded_.emplace_back(task_.judging.same[query]);
        std::vector<beam::Bridge>& bridges = bridges_.emplace_back();
        if (!task_.judging.bridges.empty()) bridges = task_.judging.bridges[query];
        if (task_.place_of.empty()) continue;
        const auto place_of = [&](std::uint32_t vertex) {
            return static_cast<std::uint32_t>(task_.place_of[vertex]);
        };
        std::transform(places.begin(), places.end(), places.begin(), place_of);
        std::sort(places.begin(), places.end());
        for (beam::Bridge& bridge : bridges)
            bridge = {place_of(bridge.from), place_of(bridge.to)};
        std::sort(bridges.begin(), bridges.end());
    }
}

TrialOutcome TrialRuns::run(const beam::BeamParams& params, std::uint32_t rerank) {
    return run_watched(params, {}, rerank).front();
}

std::vector<TrialOutcome> TrialRuns::sweep(const beam::BeamParams& params,
                                           std::span<const float> margins, std::uint32_t rerank) {
    const auto with_margin = [&](float margin) {
        beam::BeamParams used = params;
        if (margin < layouts::kMarginMost) used.stop_margin = margin;
        return used;
    };
    if (task_.view.edges == nullptr)
        return run_watched(with_margin(margins.back()), margins.first(margins.size() - 1), rerank);
    std::vector<TrialOutcome> outcomes;
    for (const float margin : margins)
        outcomes.push_back(arena_.stopped() ? TrialOutcome() : run(with_margin(margin), rerank));
    return outcomes;
}

// Sums are of whole numbers, so that they do not depend on who adds which query.
std::vector<TrialOutcome> TrialRuns::run_watched(const beam::BeamParams& params,
                                                 std::span<const float> margins,
                                                 std::uint32_t rerank) {
    beam::BeamParams used = params;
    used.k = std::max(params.k, std::min(rerank, params.search_list_size));
    const std::size_t count = (task_.judging.numbers.size() + task_.step - 1) / task_.step;
    const std::size_t settings = margins.size() + 1;
    std::vector<std::vector<TrialOutcome>> sums(arena_.thread_count(),
                                                std::vector<TrialOutcome>(settings));
    std::vector<Status> failed(arena_.thread_count());
    const auto run_one = [&](std::size_t i, std::uint32_t thread) -> Status {
        TrialSearcher& own = *searchers_[thread];
        std::size_t next = 0;
        const auto note = [&](std::size_t setting) {
            const beam::BeamCounts& counts = own.search().counts();
            TrialOutcome& sum = sums[thread][setting];
            sum.recall += hits_of(i * task_.step, own.search().found(), rerank);
            sum.pages += counts.pages;
            sum.estimates += counts.estimates;
            next = setting + 1;
        };
        const std::byte* query =
            task_.judging.workload->queries().row(task_.judging.numbers[i * task_.step]);
        const beam::MarginWatch watch{margins, note};
        TRACKWAY_TRY(own.run(query, used, task_.fetch, thread,
                             {.watch = &watch, .excluded = excluded_[i], .bridges = bridges_[i]}));
        while (next < settings)
            note(next);
        return {};
    };
    arena_.parallel_for(count, kQueriesAtATime,
                        [&](std::size_t begin, std::size_t end, std::uint32_t thread) {
                            for (std::size_t i = begin; i < end && failed[thread]; ++i)
                                failed[thread] = run_one(i, thread);
                        });
    for (Status& status : failed) {
        if (!status && status_) status_ = std::move(status);
    }
    const auto queries = static_cast<double>(count);
    std::vector<TrialOutcome> outcomes(settings);
    for (std::size_t i = 0; i < settings; ++i) {
        for (const std::vector<TrialOutcome>& own : sums) {
            outcomes[i].recall += own[i].recall;
            outcomes[i].pages += own[i].pages;
            outcomes[i].estimates += own[i].estimates;
        }
        outcomes[i].recall /= queries * task_.judging.k;
        outcomes[i].pages /= queries;
        outcomes[i].estimates /= queries;
    }
    return outcomes;
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

std::vector<TrialOutcome> costs_at_recalls(std::span<const double> recalls,
                                           std::span<const TrialOutcome> outcomes) {
    std::vector<TrialOutcome> costs;
    TrialOutcome before;
    for (const TrialOutcome& now : outcomes) {
        while (costs.size() < recalls.size() && now.recall >= recalls[costs.size()])
            costs.push_back(between(before, now, recalls[costs.size()]));
        before = now;
    }
    costs.resize(recalls.size(), before);
    return costs;
}

std::vector<TrialOutcome> TrialRuns::costs_at(std::span<const double> recalls,
                                              std::span<const beam::BeamParams> settings,
                                              std::uint32_t rerank) {
    std::vector<TrialOutcome> outcomes;
    for (const beam::BeamParams& params : settings) {
        if (arena_.stopped()) break;
        outcomes.push_back(run(params, rerank));
        if (outcomes.back().recall >= recalls.back()) break;
    }
    return costs_at_recalls(recalls, outcomes);
}

}  // namespace trackway::builder
