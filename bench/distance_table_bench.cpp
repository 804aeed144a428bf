// Nanoseconds per estimate from codes that lie all over memory, and per table of a query.
#include "base/random.h"
#include "quant/codec.h"
#include "quant/distance_table.h"

#include <benchmark/benchmark.h>

#include <cmath>
#include <memory>
#include <utility>
#include <vector>

namespace {

using namespace trackway;

constexpr std::uint32_t kDimension = 128;
constexpr std::uint32_t kVertices = 1U << 20U;

// Of no use but for its speed.
std::unique_ptr<quant::Codec> random_codec(CodeType type, std::uint32_t code_bytes) {
    base::Random random(1);
    std::vector<float> table(std::size_t{kDimension} * quant::codec_table_width(type, kDimension));
    for (float& value : table) {
        const auto number = static_cast<float>(random.normal());
        value = type == CodeType::kRabitq ? std::copysign(1.0F, number) : number;
    }
    return std::move(*quant::make_codec(type, kDimension, code_bytes, std::move(table)));
}

// type, bytes
void estimate(benchmark::State& state) {
    const auto code_bytes = static_cast<std::uint32_t>(state.range(1));
    const auto codec = random_codec(static_cast<CodeType>(state.range(0)), code_bytes);
    base::Random random(2);
    std::vector<std::uint8_t> codes(std::size_t{kVertices} * code_bytes);
    for (std::uint8_t& code : codes)
        code = static_cast<std::uint8_t>(random.below(256));
    std::vector<std::uint32_t> ids(64);
    std::vector<float> out(ids.size());
    quant::DistanceTable table;
    table.prepare(*codec, Metric::kL2, std::vector<float>(kDimension, 0.5F));
    const quant::Codes all{codes.data(), code_bytes};
    for (auto _ : state) {
        for (std::uint32_t& id : ids) {
            id = static_cast<std::uint32_t>(random() % kVertices);
            all.prefetch(id);
        }
        table.estimate(all, ids, out.data());
        benchmark::DoNotOptimize(out.data());
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(ids.size()));
}
BENCHMARK(estimate)
    ->ArgsProduct({{static_cast<int>(CodeType::kPq)}, {16, 32, 64}})
    ->ArgsProduct({{static_cast<int>(CodeType::kRabitq)}, {24, 40, 56, 72, 88}});

void prepare(benchmark::State& state) {
    const auto codec = random_codec(static_cast<CodeType>(state.range(0)),
                                    static_cast<std::uint32_t>(state.range(1)));
    const std::vector<float> query(kDimension, 0.5F);
    quant::DistanceTable table;
    for (auto _ : state) {
        table.prepare(*codec, Metric::kL2, query);
        benchmark::ClobberMemory();
    }
}
BENCHMARK(prepare)
    ->Args({static_cast<int>(CodeType::kPq), 32})
    ->Args({static_cast<int>(CodeType::kOpq), 32})
    ->Args({static_cast<int>(CodeType::kRabitq), 40});

}  // namespace
