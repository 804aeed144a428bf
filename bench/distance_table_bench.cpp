// Nanoseconds per estimate from codes that lie all over memory, and per table of a query.
#include "base/random.h"
#include "quant/distance_table.h"

#include <benchmark/benchmark.h>

#include <vector>

namespace {

using namespace trackway;

constexpr std::uint32_t kDimension = 128;
constexpr std::uint32_t kVertices = 1U << 20U;

quant::ProductQuantizer quantizer(std::uint32_t code_bytes) {
    base::Random random(1);
    std::vector<float> codewords(std::size_t{kDimension} * distance::kCodewords);
    for (float& value : codewords)
        value = static_cast<float>(random.normal());
    return {kDimension, code_bytes, std::move(codewords)};
}

void estimate(benchmark::State& state) {
    const auto code_bytes = static_cast<std::uint32_t>(state.range(0));
    base::Random random(2);
    std::vector<std::uint8_t> codes(std::size_t{kVertices} * code_bytes);
    for (std::uint8_t& code : codes)
        code = static_cast<std::uint8_t>(random.below(256));
    std::vector<std::uint32_t> ids(64);
    std::vector<float> out(ids.size());
    quant::DistanceTable table;
    table.prepare(quantizer(code_bytes), Metric::kL2, std::vector<float>(kDimension, 0.5F));
    for (auto _ : state) {
        for (std::uint32_t& id : ids)
            id = static_cast<std::uint32_t>(random() % kVertices);
        table.estimate({codes.data(), code_bytes}, ids, out.data());
        benchmark::DoNotOptimize(out.data());
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(ids.size()));
}
BENCHMARK(estimate)->Arg(16)->Arg(32)->Arg(64);

void prepare(benchmark::State& state) {
    const quant::ProductQuantizer trained = quantizer(32);
    const std::vector<float> query(kDimension, 0.5F);
    quant::DistanceTable table;
    for (auto _ : state) {
        table.prepare(trained, Metric::kL2, query);
        benchmark::ClobberMemory();
    }
}
BENCHMARK(prepare);

}  // namespace
