#include "build/codes_stage.h"

#include "base/random.h"
#include "build/trace_stage.h"
#include "build/trial_search.h"
#include "distance/row_floats.h"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

namespace trackway::builder {
namespace {

constexpr std::size_t kBlock = 1024;
constexpr std::uint32_t kLists[] = {10, 14, 20, 28, 40, 56, 80, 115, 160, 230, 320};
constexpr std::uint32_t kStep = 4;  // every fourth judging query will do
constexpr double kWorthChanging = 0.98;
// Beyond, training OPQ takes hours and each query's rotation longer than its reads.
constexpr std::uint32_t kOpqDimensionMax = 2048;

std::span<float> row_of(std::vector<float>& rows, std::size_t i, std::uint32_t dimension) {
    return std::span(rows).subspan(i * dimension, dimension);
}

std::vector<float> training_sample(const CodesTask& task) {
    const MatrixView& vectors = task.vectors;
    base::Random random(task.seed);
    auto rows = base::random_permutation(static_cast<std::uint32_t>(vectors.row_count), random);
    rows.resize(std::min<std::size_t>(rows.size(), task.training_rows));
    std::sort(rows.begin(), rows.end());  // read in the order in which they lie
    std::vector<float> sample(rows.size() * vectors.dimension);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        distance::row_floats(vectors.row(rows[i]), vectors.element_type, task.metric,
                             row_of(sample, i, vectors.dimension));
    }
    return sample;
}

std::vector<std::uint8_t> encode_rows(const CodesTask& task, const quant::Codec& codec,
                                      const base::Arena& arena) {
    const MatrixView& vectors = task.vectors;
    const std::size_t code_bytes = codec.code_bytes();
    std::vector<std::uint8_t> codes(vectors.row_count * code_bytes, 0);
    arena.parallel_for(vectors.row_count, kBlock, [&](std::size_t begin, std::size_t end, auto) {
        std::vector<float> row(vectors.dimension);
        for (std::size_t i = begin; i < end; ++i) {
            distance::row_floats(vectors.row(i), vectors.element_type, task.metric, row);
            codec.encode(row, std::span(codes).subspan(i * code_bytes, code_bytes));
        }
    });
    return codes;
}

double pages_with(const CodesTask& task, const MadeCodes& made, const base::Arena& arena) {
    const BuiltGraph graph{.vectors = task.vectors,
                           .given = task.given,
                           .metric = task.metric,
                           .adjacency = task.adjacency,
                           .numbers = task.numbers,
                           .entry_point = task.entry_point,
                           .codec = *made.codec,
                           .codes = made.codes};
    const AloneOnPages alone(graph);
    const beam::GraphView view = alone.view();
    TrialRuns runs({view, task.judging, graph, alone.fetch(arena.thread_count()), kStep}, arena);
    std::vector<beam::BeamParams> settings;
    for (const std::uint32_t list : kLists)
        settings.push_back(trial_params(task.vectors.row_count, list));
    const std::uint32_t rerank = task.given.data != nullptr ? kRerankFactor * task.judging.k : 0;
    const auto costs = runs.costs_at(kRecallsAimed, settings, rerank);
    const double pages = sum_of_costs(costs, [](const TrialOutcome& found) { return found.pages; });
    return pages / static_cast<double>(costs.size());
}

std::vector<CodeType> types_to_try(const CodesTask& task) {
    if (task.type) return {*task.type};
    std::vector<CodeType> types;
    for (const CodeType type : {CodeType::kPq, CodeType::kOpq, CodeType::kRabitq}) {
        if (type == CodeType::kOpq && !may_use_opq({}, task.vectors.dimension)) continue;
        if (quant::has_codec(type, task.vectors.dimension, task.code_bytes)) types.push_back(type);
    }
    return types;
}

}  // namespace

bool may_use_opq(std::optional<CodeType> type, std::uint32_t dimension) noexcept {
    return type ? *type == CodeType::kOpq : dimension <= kOpqDimensionMax;
}

std::uint64_t codes_stage_bytes(std::uint64_t rows, std::uint64_t training_rows,
                                const CodesShape& shape) noexcept {
    const std::uint64_t dimension = shape.dimension;
    const std::uint64_t sample = std::min(rows, training_rows) * dimension * sizeof(float);
    const std::uint64_t axis_bytes = shape.axes ? 4 * dimension * dimension * sizeof(float) : 0;
    return 2 * sample + sample / 4 + sample / shape.code_bytes * 2 + axis_bytes +
           rows * (2 * std::uint64_t{shape.code_bytes} + 16);
}

MadeCodes make_codes(const CodesTask& task, const base::Arena& arena) {
    const std::vector<float> sample = training_sample(task);
    const std::vector<CodeType> types = types_to_try(task);
    MadeCodes best;
    std::vector<CodeTrial> trials;
    double least = std::numeric_limits<double>::infinity();
    for (const CodeType type : types) {
        MadeCodes made;
        made.codec = quant::train_codec(type, sample, task.vectors.dimension,
                                        {.code_bytes = task.code_bytes, .seed = task.seed}, arena);
        made.codes = encode_rows(task, *made.codec, arena);
        if (types.size() == 1) return made;
        const double pages = pages_with(task, made, arena);
        trials.push_back({type, made.codec->code_bytes(), pages});
        if (best.codec && pages > least * kWorthChanging) continue;
        least = pages;
        best = std::move(made);
    }
    best.trials = std::move(trials);
    return best;
}

}  // namespace trackway::builder
