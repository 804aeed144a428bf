#include "build/calibrate_stage.h"

#include "beam/residence_loader.h"
#include "build/navigation_stage.h"
#include "build/trial_search.h"
#include "distance/distance.h"
#include "distance/row_floats.h"

#include <algorithm>
#include <cmath>
#include <limits>

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
// So thorough that no other setting finds what this misses.
constexpr std::uint32_t kThoroughList = 300;
// Relative, of distances in lossless codes to those of the vectors given.
constexpr float kSame = 1e-6F;
// Lists for stopping by margin: the first that finds enough without a margin, or the last.
constexpr std::uint32_t kMarginLists[] = {100, 200, 400, 800};
// The share of page-mates is chosen with every fourth query, margins with all.
constexpr std::uint32_t kCoarseStep = 4;
constexpr double kRecallEnough = 0.995;
// What fewer queries find says too little of what others will.
constexpr std::size_t kQueriesLeast = 100;
constexpr float kHotRecall = 0.95F;
// One in so many of the vertices is hot; all that are listed come last.
constexpr std::uint32_t kHotShares[] = {20, 8, 1};
constexpr float kMargins[] = {-12.0F, -8.0F,  -5.5F, -4.0F,  -3.0F, -2.5F, -2.0F, -1.5F,
                              -1.0F,  -0.75F, -0.5F, -0.25F, 0.0F,  0.25F, 0.5F,  0.75F,
                              1.0F,   1.25F,  1.5F,  1.75F,  2.0F,  2.5F,  3.0F,  3.5F,
                              4.0F,   5.0F,   6.0F,  8.0F,   11.0F, 15.0F, 20.0F};
constexpr std::size_t kFirstMargin = 12;  // from here down, then up
// Less than this nobody asks for.
constexpr double kRecallLeast = 0.85;

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
          coarse_({view_, judging, laid_out.graph, fetch(), kCoarseStep}, arena),
          fine_({view_, judging, laid_out.graph, fetch()}, arena) {}

    Result<Calibration> run_all() {
        Calibration best;
        best.estimate_error = view_.estimate_error;
        if (laid_out_.graph.given.data != nullptr) {
            best.recall_without_rerank = coarse_.run(params_for(kThoroughList, 0), 0).recall;
            best.rerank_factor = is_lossless_ ? 0 : kRerankFactor;
        }
        rerank_ = best.rerank_factor * judging_.k;
        choose_share(best);
        if (judging_.numbers.size() >= kQueriesLeast) {
            TRACKWAY_TRY(measure_curve(best, false, best.curve));
            if (laid_out_.edge_bytes <= laid_out_.resident_bytes_max)
                TRACKWAY_TRY(measure_curve(best, true, best.curve_with_edges));
        }
        TRACKWAY_TRY(coarse_.status());
        TRACKWAY_TRY(fine_.status());
        return best;
    }

private:
    PageFetch fetch() const {
        return [this](PageId page, std::span<std::byte> bytes, std::uint32_t /*thread*/) {
            return laid_out_.pages.read(page, bytes);
        };
    }

    beam::BeamParams params_for(std::uint32_t list, std::uint32_t share_permille) const {
        return trial_params(laid_out_.description.vertex_count, list,
                            static_cast<float>(share_permille) / 1000);
    }

    // Shares in rising order, until one costs more than the one before.
    void choose_share(Calibration& best) {
        double most_estimates = 0;
        double least = std::numeric_limits<double>::infinity();
        for (const std::uint32_t share : kSharesPermille) {
            std::vector<beam::BeamParams> settings;
            for (const std::uint32_t list : kLists)
                settings.push_back(params_for(list, share));
            const auto costs = coarse_.costs_at(kRecallsAimed, settings, rerank_);
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

    // What is resident stands in view_ while the curve is measured.
    Status measure_curve(const Calibration& best, bool with_edges, layouts::RecallCurve& curve) {
        TRACKWAY_TRY_ASSIGN(edges, load({}, with_edges));
        view_.edges = edges.edges.get();
        curve.edge_bytes = with_edges ? edges.edges->bytes() : 0;
        const beam::BeamParams params = choose_margins(best.expand_share_permille, curve);
        const auto settings = settings_from(kHotRecall, params, curve.margins);
        const TrialOutcome without = coarse_.run(settings.front(), rerank_);
        curve.hot = {{0, static_cast<float>(without.pages)}};
        const std::uint64_t room = laid_out_.resident_bytes_max - curve.edge_bytes;
        const auto most = static_cast<std::uint32_t>(std::min<std::uint64_t>(
            laid_out_.hot.size(),
            room / beam::HotRecords::record_bytes(laid_out_.description.geometry)));
        for (const std::uint32_t share : kHotShares) {
            const auto count =
                std::min(most, static_cast<std::uint32_t>(laid_out_.place_of.size() / share));
            if (count <= curve.hot.back().vertices || arena_.stopped()) continue;
            TRACKWAY_TRY_ASSIGN(records, load(laid_out_.hot.first(count), false));
            const beam::HotRecords* hot = records.hot.get();
            view_.hot = hot;
            const auto costs = coarse_.costs_at({&without.recall, 1}, settings, rerank_);
            curve.hot.push_back({count, static_cast<float>(costs[0].pages)});
            if (count == most) measure_with_hot(params, hot, curve.margins);
            view_.hot = nullptr;
        }
        view_.edges = nullptr;
        return {};
    }

    // Of vertices that are not read no page-mates are seen: the same margin finds less. The same
    // queries show by how much.
    void measure_with_hot(beam::BeamParams params, const beam::HotRecords* hot,
                          std::span<layouts::CalibratedMargin> margins) {
        for (layouts::CalibratedMargin& entry : margins) {
            if (arena_.stopped()) return;
            params.stop_margin = entry.margin;
            view_.hot = nullptr;
            const double without = coarse_.run(params, rerank_).recall;
            view_.hot = hot;
            const double change = coarse_.run(params, rerank_).recall - without;
            entry.recall_with_hot =
                std::clamp(entry.recall + static_cast<float>(change), 0.0F, 1.0F);
        }
    }

    Result<beam::Residence> load(std::span<const std::uint32_t> hot, bool edges) const {
        beam::ResidenceLoader loader(laid_out_.description.geometry, hot, edges);
        std::vector<std::byte> bytes(laid_out_.description.geometry.page_size_bytes);
        const PageFetch read = fetch();
        for (const PageId page : loader.pages()) {
            TRACKWAY_TRY(read(page, bytes, 0));
            TRACKWAY_TRY(loader.absorb(bytes));
        }
        return loader.take();
    }

    beam::BeamParams choose_margins(std::uint32_t share_permille, layouts::RecallCurve& curve) {
        beam::BeamParams params;
        TrialOutcome without;
        for (const std::uint32_t list : kMarginLists) {
            params = params_for(list, share_permille);
            without = fine_.run(params, rerank_);
            if (without.recall >= kRecallEnough || arena_.stopped()) break;
        }
        curve.list_size = params.search_list_size;
        const auto try_margin = [&](std::size_t i) {
            params.stop_margin = kMargins[i];
            const TrialOutcome found = fine_.run(params, rerank_);
            const auto recall = static_cast<float>(found.recall);
            curve.margins.push_back({.recall = recall,
                                     .recall_with_hot = recall,
                                     .margin = kMargins[i],
                                     .pages_per_query = static_cast<float>(found.pages)});
            return found.recall;
        };
        for (std::size_t i = kFirstMargin; i-- > 0 && !arena_.stopped();) {
            if (try_margin(i) < kRecallLeast) break;
        }
        std::reverse(curve.margins.begin(), curve.margins.end());
        for (std::size_t i = kFirstMargin; i < std::size(kMargins) && !arena_.stopped(); ++i) {
            if (try_margin(i) >= std::min(kRecallEnough + 0.002, without.recall)) break;
        }
        keep_rising(curve.margins);
        return params;
    }

    // Of those that find no more than a smaller margin the smaller one will do.
    static void keep_rising(std::vector<layouts::CalibratedMargin>& margins) {
        std::vector<layouts::CalibratedMargin> kept;
        for (const layouts::CalibratedMargin& entry : margins) {
            if (kept.empty() || entry.recall > kept.back().recall) kept.push_back(entry);
        }
        margins = std::move(kept);
    }

    // The first setting that reaches the recall, or the last of all, and those behind it.
    static std::vector<beam::BeamParams> settings_from(
        float recall, beam::BeamParams params, std::span<const layouts::CalibratedMargin> margins) {
        std::vector<beam::BeamParams> settings;
        for (const layouts::CalibratedMargin& entry : margins) {
            params.stop_margin = entry.margin;
            if (entry.recall >= recall) settings.push_back(params);
        }
        if (settings.empty()) settings.push_back(params);
        return settings;
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
    TrialRuns coarse_;
    TrialRuns fine_;
    std::uint32_t rerank_ = 0;
};

}  // namespace

Result<Calibration> calibrate(const LaidOutGraph& laid_out, const JudgingQueries& judging,
                              const base::Arena& arena) {
    Calibrator calibrator(laid_out, judging, arena);
    return calibrator.run_all();
}

}  // namespace trackway::builder
