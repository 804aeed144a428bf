#include "build/calibrate_stage.h"

#include "base/errors.h"
#include "beam/residence_loader.h"
#include "build/margins.h"
#include "build/navigation_stage.h"
#include "build/trial_search.h"
#include "distance/distance.h"
#include "distance/row_floats.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

namespace trackway::builder {
namespace {

// A query waits as long for a page, 75 us, as it takes to make this many estimates of 16 ns.
constexpr double kEstimatesPerPage = 4700;
// What a query may estimate more than without expanding page-mates at once: its CPU is not free.
constexpr double kGrowthMax = 2.5;
// More than a fifth reads 1 % less and estimates a third more (sift250k).
constexpr std::uint32_t kSharesPermille[] = {0, 100, 200};
constexpr std::uint32_t kLists[] = {10, 12, 15, 18, 22, 26, 30,  35,
                                    40, 46, 52, 60, 70, 85, 105, 130};
// Longer lists of queries that read so much tell nothing more, and take long.
constexpr double kPagesMost = 60;
// A share finds enough at most so many lists earlier than the one before.
constexpr std::size_t kListsBefore = 3;
// So thorough that no other setting finds what this misses.
constexpr std::uint32_t kThoroughList = 300;
// Relative, of distances in lossless codes to those of the vectors given.
constexpr float kSame = 1e-6F;
// Lists for stopping by margin: the first that finds enough without one, or after which the next
// finds hardly more.
constexpr std::uint32_t kMarginLists[] = {100, 200, 400, 800};
constexpr double kRecallEnough = 0.995;
constexpr double kHardlyMore = 0.002;
// Margins are measured with all queries; what is compared with another setting of the same queries
// with every fourth, or with so many.
constexpr std::size_t kCoarseStep = 4;
constexpr std::size_t kCoarseQueries = 384;
// What fewer queries find says too little of what others will.
constexpr std::size_t kQueriesLeast = 100;
constexpr double kHotRecall = 0.95;
// Longer lists are tried up to this one, until nothing is missed, and as long as all their trials
// together read no more than so many pages for each vertex.
constexpr std::uint32_t kListMost = 6400;
constexpr float kRecallAll = 0.9999F;
constexpr double kListPagesEach = 8;
// All queries run while they read no more than so many pages for each vertex; else some do.
constexpr double kFinePagesEach = 5;
// The same of those that are compared.
constexpr double kCoarsePagesEach = 0.6;
// What codes and reranking together must find.
constexpr double kEncodedRecallLeast = 0.9;
constexpr double kEncodedRecallEnough = 0.97;
constexpr std::uint32_t kRerankFactors[] = {kRerankFactor, 5, 10, 20};
// One in so many of the vertices is hot; all that are listed come last.
constexpr std::uint32_t kHotShares[] = {20, 8, 1};
// With resident edges every margin is a search of its own: every fourth is tried, and more only
// where the curve is steep.
constexpr std::size_t kMarginStep = 4;
// Steps of the curve between those that are larger are divided, so many times at most.
constexpr double kStepMost = 0.06;
constexpr int kRefinements = 3;

class Calibrator {
public:
    Calibrator(const LaidOutGraph& laid_out, const JudgingQueries& judging,
               const base::Arena& arena)
        : laid_out_(laid_out),
          judging_(judging),
          arena_(arena),
          view_{.description = laid_out.description,
                .codec = laid_out.graph.codec,
                .codes = {laid_out.codes.data(), laid_out.graph.codec.code_bytes()},
                .navigation = {laid_out.navigation, kNavigationDegree},
                .estimate_error = error_of_estimates()},
          coarse_step_(coarse_step(judging.numbers.size())) {
        coarse_.emplace(task(coarse_step_), arena_);
    }

    Result<Calibration> run_all() {
        Calibration best;
        best.estimate_error = view_.estimate_error;
        if (laid_out_.graph.given.data != nullptr) {
            best.recall_without_rerank = coarse_->run(params_for(kThoroughList, 0), 0).recall;
            TRACKWAY_TRY_ASSIGN(factor, choose_rerank());
            best.rerank_factor = factor;
        }
        rerank_ = best.rerank_factor * judging_.k;
        choose_list();
        choose_share(best);
        if (judging_.numbers.size() >= kQueriesLeast) {
            TRACKWAY_TRY(measure_curve(best, false, best.curve));
            if (!arena_.stopped()) measure_lists(best, best.curve);
            if (laid_out_.edge_bytes <= laid_out_.resident_bytes_max)
                TRACKWAY_TRY(measure_curve(best, true, best.curve_with_edges));
        }
        TRACKWAY_TRY(coarse_->status());
        best.left_out = left_out_;
        return best;
    }

private:
    // The fewest that find what a thorough search can with them. Where none finds enough, an error
    // unless that is accepted.
    Result<std::uint32_t> choose_rerank() {
        // Vectors that stand in for queries do not say that queries lose nothing.
        if (is_lossless_ && !judging_.workload->is_from_vectors()) return 0;
        double recall = 0;
        std::uint32_t factor = 0;
        for (const std::uint32_t next : kRerankFactors) {
            const double found =
                coarse_->run(params_for(kThoroughList, 0), next * judging_.k).recall;
            if (factor != 0 && found < recall + kHardlyMore) break;
            recall = found;
            factor = next;
            if (recall >= kEncodedRecallEnough || arena_.stopped()) return factor;
        }
        const bool can_tell = judging_.numbers.size() >= kCoarseStep;  // a few at least
        if (recall >= kEncodedRecallLeast || laid_out_.accept_lossy || !can_tell) return factor;
        return base::fail(
            ErrorCode::kInvalidArgument,
            base::join("vector encoding: the encoded vectors do not tell near from far: a thorough "
                       "search with them finds ",
                       recall, " of the 10 nearest, expected at least ", kEncodedRecallLeast,
                       "; numbers of very different sizes may be the cause: choose float16, or "
                       "store the vectors as given, or accept it with --accept-lossy"));
    }

    static std::uint32_t coarse_step(std::size_t queries) {
        return static_cast<std::uint32_t>(std::max(kCoarseStep, queries / kCoarseQueries));
    }

    // At which queries of so many pages each together read no more than so many for each vertex.
    std::uint32_t step_within(double pages_each, double pages, std::size_t least,
                              std::size_t most) const {
        const auto queries = static_cast<double>(judging_.numbers.size());
        const double allowed = pages_each * static_cast<double>(laid_out_.place_of.size());
        const auto step = static_cast<std::size_t>(std::ceil(queries * pages / allowed));
        return static_cast<std::uint32_t>(std::clamp(step, least, std::max(least, most)));
    }

    TrialTask task(std::uint32_t step) const {
        return {view_, judging_, laid_out_.graph, fetch(), step, laid_out_.place_of};
    }

    PageFetch fetch() const {
        return [this](PageId page, std::span<std::byte> bytes, std::uint32_t /*thread*/) {
            return laid_out_.pages.read(page, bytes);
        };
    }

    beam::BeamParams params_for(std::uint32_t list, std::uint32_t share_permille) const {
        return trial_params(laid_out_.description.vertex_count, list,
                            static_cast<float>(share_permille) / 1000);
    }

    void choose_list() {
        double before = 0;
        for (const std::uint32_t list : kMarginLists) {
            const TrialOutcome found = coarse_->run(params_for(list, 0), rerank_);
            const double recall = found.recall;
            if (list == kMarginLists[0]) {
                const auto step = step_within(kCoarsePagesEach, found.pages, coarse_step_,
                                              judging_.numbers.size() / kQueriesLeast);
                if (step != coarse_step_) coarse_.emplace(task(step), arena_);
                coarse_step_ = step;
            }
            if (list != kMarginLists[0] && recall < before + kHardlyMore) return;
            list_ = list;
            before = recall;
            if (recall >= kRecallEnough || arena_.stopped()) return;
        }
    }

    // Shares in rising order, until one costs more than the one before.
    void choose_share(Calibration& best) {
        double most_estimates = 0;
        double least = std::numeric_limits<double>::infinity();
        std::size_t first = 0;
        for (const std::uint32_t share : kSharesPermille) {
            const auto costs = costs_by_list(share, first);
            const double total = sum_of_costs(costs, [](const TrialOutcome& found) {
                return found.pages + found.estimates / kEstimatesPerPage;
            });
            if (share == 0) most_estimates = kGrowthMax * costs[0].estimates;
            if (arena_.stopped() || total >= least || costs[0].estimates > most_estimates) break;
            least = total;
            best.expand_share_permille = share;
            best.pages_per_query = costs[0].pages;
            best.estimates_per_query = costs[0].estimates;
        }
    }

    // Costs at kRecallsAimed. Begins with list number `first`, or with the shortest if that finds
    // too much already; leaves there where the next share, which finds a little more, may begin.
    std::vector<TrialOutcome> costs_by_list(std::uint32_t share, std::size_t& first) {
        std::vector<TrialOutcome> outcomes;
        std::size_t reached = std::size(kLists);
        for (std::size_t i = first; i < std::size(kLists) && !arena_.stopped(); ++i) {
            outcomes.push_back(coarse_->run(params_for(kLists[i], share), rerank_));
            const double recall = outcomes.back().recall;
            if (recall >= kRecallsAimed[0] && i == first && first > 0) {
                first = 0;
                return costs_by_list(share, first);
            }
            if (recall >= kRecallsAimed[0]) reached = std::min(reached, i);
            if (recall >= kRecallsAimed[1] || outcomes.back().pages > kPagesMost) break;
        }
        first = reached - std::min<std::size_t>(reached, kListsBefore);
        return costs_at_recalls(kRecallsAimed, outcomes);
    }

    // What is resident stands in view_ while the curve is measured.
    Status measure_curve(const Calibration& best, bool with_edges, layouts::RecallCurve& curve) {
        TRACKWAY_TRY_ASSIGN(edges, load({}, with_edges));
        view_.edges = edges.edges.get();
        curve.edge_bytes = with_edges ? edges.edges->bytes() : 0;
        curve.list_size = params_for(list_, 0).search_list_size;
        const beam::BeamParams params = params_for(list_, best.expand_share_permille);
        const Status measured = with_edges ? measure_with_edges(params, curve)
                                           : measure_margins(params, all_margins(), curve);
        view_.hot = nullptr;
        view_.edges = nullptr;
        return measured;
    }

    // Some of the queries tell the range of margins that is asked for, and what those beyond find
    // more; within it all do.
    Status measure_margins(const beam::BeamParams& params, std::span<const float> tried,
                           layouts::RecallCurve& curve) {
        const auto rough = coarse_->sweep(params, tried, rerank_);
        const auto [first, last] = useful_range(rough);
        std::vector<float> margins(tried.begin() + static_cast<std::ptrdiff_t>(first),
                                   tried.begin() + static_cast<std::ptrdiff_t>(last + 1));
        TrialRuns fine(task(step_within(kFinePagesEach, rough[last].pages, 1, coarse_step_)),
                       arena_);
        std::vector<TrialOutcome> found = refined(fine, params, margins);
        TRACKWAY_TRY(fine.status());
        const auto without_hot = coarse_->sweep(params, margins, rerank_);
        for (std::size_t i = 0; i < margins.size(); ++i)
            of_some_and_all_.emplace_back(without_hot[i].recall, found[i].recall);
        const double sought = cost_at(kHotRecall, without_hot).recall;
        curve.hot = {{0, static_cast<float>(cost_at(sought, without_hot).pages)}};
        std::vector<TrialOutcome> with_hot = without_hot;
        TRACKWAY_TRY(measure_hot(params, margins, sought, curve, with_hot));
        // Of vertices that are not read no page-mates are seen: the same margin finds less. The
        // same queries show by how much.
        double change = 0;
        for (std::size_t i = 0; i < margins.size(); ++i) {
            change = with_hot[i].recall - without_hot[i].recall;
            add_margin(margins[i], found[i], change, curve);
        }
        for (std::size_t i = last + 1; i < tried.size(); ++i) {
            TrialOutcome beyond = found.back();
            beyond.recall += rough[i].recall - rough[last].recall;
            beyond.pages += rough[i].pages - rough[last].pages;
            add_margin(tried[i], beyond, change, curve);
        }
        return {};
    }

    // Of those that find no more than a smaller margin the smaller one will do.
    static void add_margin(float margin, const TrialOutcome& found, double change_with_hot,
                           layouts::RecallCurve& curve) {
        const auto recall = static_cast<float>(std::clamp(found.recall, 0.0, 1.0));
        if (!curve.margins.empty() && recall <= curve.margins.back().recall) return;
        curve.margins.push_back({.recall = recall,
                                 .recall_with_hot = static_cast<float>(
                                     std::clamp(found.recall + change_with_hot, 0.0, 1.0)),
                                 .margin = margin,
                                 .pages_per_query = static_cast<float>(found.pages)});
    }

    // What is found with each margin; where the next one finds much more, margins are put between.
    std::vector<TrialOutcome> refined(TrialRuns& fine, const beam::BeamParams& params,
                                      std::vector<float>& margins) {
        constexpr int kParts = 8;
        std::vector<TrialOutcome> found = fine.sweep(params, margins, rerank_);
        for (int round = 0; round < kRefinements && !arena_.stopped(); ++round) {
            std::vector<float> between;
            for (std::size_t i = 0; i + 1 < margins.size(); ++i) {
                const bool is_asked =
                    found[i + 1].recall > kRecallLeast && found[i].recall < kRecallMost;
                if (!is_asked || found[i + 1].recall - found[i].recall < kStepMost) continue;
                if (margins[i + 1] == layouts::kMarginMost) continue;
                for (int part = 1; part < kParts; ++part) {
                    between.push_back(margins[i] + (margins[i + 1] - margins[i]) *
                                                       static_cast<float>(part) /
                                                       static_cast<float>(kParts));
                }
            }
            if (between.empty()) break;
            const auto more = fine.sweep(params, between, rerank_);
            std::vector<std::pair<float, TrialOutcome>> all;
            for (std::size_t i = 0; i < margins.size(); ++i)
                all.emplace_back(margins[i], found[i]);
            for (std::size_t i = 0; i < between.size(); ++i)
                all.emplace_back(between[i], more[i]);
            std::sort(all.begin(), all.end(),
                      [](const auto& a, const auto& b) { return a.first < b.first; });
            margins.clear();
            found.clear();
            for (const auto& [margin, outcome] : all) {
                margins.push_back(margin);
                found.push_back(outcome);
            }
        }
        return found;
    }

    // What more and more hot vertices save where so much is found; with_hot: what the most find
    // with each margin.
    Status measure_hot(const beam::BeamParams& params, std::span<const float> margins,
                       double sought, layouts::RecallCurve& curve,
                       std::vector<TrialOutcome>& with_hot) {
        const std::uint64_t room = laid_out_.resident_bytes_max - curve.edge_bytes;
        const auto most = static_cast<std::uint32_t>(std::min<std::uint64_t>(
            laid_out_.hot.size(),
            room / beam::HotRecords::record_bytes(laid_out_.description.geometry)));
        for (const std::uint32_t share : kHotShares) {
            const auto count =
                std::min(most, static_cast<std::uint32_t>(laid_out_.place_of.size() / share));
            if (count <= curve.hot.back().vertices || arena_.stopped()) continue;
            if (view_.edges != nullptr && count < most) continue;  // dear, and nearly a line
            TRACKWAY_TRY_ASSIGN(records, load(laid_out_.hot.first(count), false));
            view_.hot = records.hot.get();
            with_hot = coarse_->sweep(params, margins, rerank_);
            view_.hot = nullptr;
            curve.hot.push_back({count, static_cast<float>(cost_at(sought, with_hot).pages)});
        }
        return {};
    }

    // Lists beyond that of the margins, as long as they find more and cost no more than the layout
    // is worth. Some of the queries tell.
    void measure_lists(const Calibration& best, layouts::RecallCurve& curve) {
        double work = kListPagesEach * static_cast<double>(laid_out_.place_of.size());
        const auto queries = static_cast<double>(judging_.numbers.size() / coarse_step_ + 1);
        double pages = curve.margins.back().pages_per_query;
        int without_gain = 0;
        for (std::uint32_t list = 2 * curve.list_size; list <= kListMost; list *= 2) {
            const beam::BeamParams params = params_for(list, best.expand_share_permille);
            work -= 2 * pages * queries;
            const float before =
                curve.lists.empty() ? curve.margins.back().recall : curve.lists.back().recall;
            if (params.search_list_size < list || before >= kRecallAll) return;
            if (work < 0) {
                left_out_ = base::join("search lists of ", list, " and more");
                return;
            }
            const TrialOutcome found = coarse_->run(params, rerank_);
            if (arena_.stopped()) return;
            pages = found.pages;
            const auto recall = static_cast<float>(found.recall);
            without_gain = recall > before ? 0 : without_gain + 1;
            if (without_gain == 2) return;
            if (without_gain > 0) continue;
            curve.lists.push_back({list, recall, static_cast<float>(found.pages)});
        }
    }

    static TrialOutcome cost_at(double recall, std::span<const TrialOutcome> outcomes) {
        return costs_at_recalls({&recall, 1}, outcomes).front();
    }

    // Some of the queries tell; what all find differs as it did without edges, where so much was
    // found.
    Status measure_with_edges(const beam::BeamParams& params, layouts::RecallCurve& curve) {
        std::vector<float> margins;
        std::vector<TrialOutcome> found;
        for (std::size_t i = 0; i < std::size(kMargins) && !arena_.stopped(); i += kMarginStep) {
            const TrialOutcome next = coarse_->sweep(params, {&kMargins[i], 1}, rerank_)[0];
            if (next.recall < kRecallLeast) {  // only the last of these is of use
                margins.clear();
                found.clear();
            }
            margins.push_back(kMargins[i]);
            found.push_back(next);
            if (next.recall >= kRecallMost) break;
        }
        for (std::size_t i = 0; i + 1 < margins.size() && !arena_.stopped(); ++i) {
            if (found[i + 1].recall - found[i].recall < kStepMost) continue;
            const auto at = static_cast<std::ptrdiff_t>(i + 1);
            const float middle = (margins[i] + margins[i + 1]) / 2;
            found.insert(found.begin() + at, coarse_->sweep(params, {&middle, 1}, rerank_)[0]);
            margins.insert(margins.begin() + at, middle);
            ++i;
        }
        margins.push_back(layouts::kMarginMost);
        found.push_back(coarse_->sweep(params, {&margins.back(), 1}, rerank_)[0]);
        const double sought = cost_at(kHotRecall, found).recall;
        curve.hot = {{0, static_cast<float>(cost_at(sought, found).pages)}};
        std::vector<TrialOutcome> with_hot = found;
        TRACKWAY_TRY(measure_hot(params, margins, sought, curve, with_hot));
        for (std::size_t i = 0; i < margins.size(); ++i) {
            TrialOutcome of_all = found[i];
            of_all.recall += all_find_more(found[i].recall);
            add_margin(margins[i], of_all, with_hot[i].recall - found[i].recall, curve);
        }
        return {};
    }

    // Where some of the queries find so much.
    double all_find_more(double recall) const {
        double nearest = 2;
        double more = 0;
        for (const auto& [some, all] : of_some_and_all_) {
            if (std::abs(some - recall) >= nearest) continue;
            nearest = std::abs(some - recall);
            more = all - some;
        }
        return more;
    }

    Result<beam::Residence> load(std::span<const std::uint32_t> hot, bool edges) const {
        beam::ResidenceLoader loader(laid_out_.description.geometry,
                                     {.hot_places = hot, .all_edges = edges});
        std::vector<std::byte> bytes(laid_out_.description.geometry.page_size_bytes);
        const PageFetch read = fetch();
        for (const PageId page : loader.pages()) {
            TRACKWAY_TRY(read(page, bytes, 0));
            TRACKWAY_TRY(loader.absorb(bytes));
        }
        return loader.take();
    }

    // Of the true nearest of the judging queries, in the vectors that are searched. Finds out as
    // well whether those say the same as the vectors given.
    float error_of_estimates() {
        const BuiltGraph& graph = laid_out_.graph;
        const auto measure = distance::distance_function(graph.metric, graph.vectors.element_type);
        const MatrixView& queries = judging_.workload->queries();
        std::vector<float> floats(graph.vectors.dimension);
        quant::DistanceTable table;
        double sum = 0;
        std::uint64_t count = 0;
        for (std::size_t i = 0; i < judging_.truth.size() && !arena_.stopped(); ++i) {
            std::vector<std::uint32_t> vertices;
            std::vector<std::uint32_t> places;
            for (const graph::Candidate& candidate : judging_.truth[i].list()) {
                vertices.push_back(graph.numbers.vertex(candidate.vertex));
                places.push_back(static_cast<std::uint32_t>(laid_out_.place_of[vertices.back()]));
            }
            const std::byte* query = queries.row(judging_.numbers[i]);
            std::vector<float> exact(vertices.size());
            std::vector<float> estimates(vertices.size());
            measure(
                query,
                {graph.vectors.data, graph.vectors.row_bytes(), vertices.data(), vertices.size()},
                graph.vectors.dimension, exact.data());
            distance::row_floats(query, graph.vectors.element_type, graph.metric, floats);
            table.prepare(graph.codec, graph.metric, floats);
            table.estimate({laid_out_.codes.data(), graph.codec.code_bytes()}, places,
                           estimates.data());
            const double length = std::sqrt(distance::squared_norm(floats));
            for (std::size_t j = 0; j < vertices.size(); ++j) {
                const float given = judging_.truth[i].list()[j].distance;
                is_lossless_ &= std::abs(exact[j] - given) <= kSame * std::abs(given);
                const double unit = beam::margin_unit(graph.metric, exact[j], length);
                if (unit <= 0) continue;
                const double off = (double{estimates[j]} - double{exact[j]}) / unit;
                sum += off * off;
                ++count;
            }
        }
        return count > 0 ? static_cast<float>(std::sqrt(sum / static_cast<double>(count))) : 0;
    }

    const LaidOutGraph& laid_out_;
    const JudgingQueries& judging_;
    const base::Arena& arena_;
    bool is_lossless_ = true;  // of distances in the vectors that are searched
    beam::GraphView view_;
    // Recall of some of the queries and of all, with the same margins.
    std::vector<std::pair<double, double>> of_some_and_all_;
    std::uint32_t coarse_step_;
    std::optional<TrialRuns> coarse_;
    std::string left_out_;
    std::uint32_t rerank_ = 0;
    std::uint32_t list_ = kMarginLists[0];
};

}  // namespace

Result<Calibration> calibrate(const LaidOutGraph& laid_out, const JudgingQueries& judging,
                              const base::Arena& arena) {
    Calibrator calibrator(laid_out, judging, arena);
    return calibrator.run_all();
}

}  // namespace trackway::builder
