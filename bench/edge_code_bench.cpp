// Packing and unpacking one vertex's edges, by their number: Elias-Fano, and the fixed width of
// format 1.0.
#include "layouts/edge_code.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using namespace trackway;

constexpr std::uint32_t kPlaces = 1U << 20U;

struct Packed {
    layouts::EdgeCode code;
    std::vector<std::uint32_t> places;
    std::vector<std::byte> bytes;
};

Packed packed(std::uint32_t degree) {
    Packed list{layouts::EdgeCode::elias_fano(kPlaces), std::vector<std::uint32_t>(degree), {}};
    for (std::uint32_t i = 0; i < degree; ++i)
        list.places[i] = (kPlaces / degree) * i + 17 * i % 13;
    list.bytes.resize(list.code.bits(degree) / 8 + 1 + 2 * base::kBitReadSlack);
    list.code.encode(list.places, list.bytes.data(), 0);
    return list;
}

// degree
void encode(benchmark::State& state) {
    Packed list = packed(static_cast<std::uint32_t>(state.range(0)));
    for (auto _ : state) {
        std::fill(list.bytes.begin(), list.bytes.end(), std::byte{0});
        list.code.encode(list.places, list.bytes.data(), 0);
        benchmark::DoNotOptimize(list.bytes.data());
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(encode)->Arg(16)->Arg(32)->Arg(64);

// degree; whether of fixed width
void decode(benchmark::State& state) {
    const auto degree = static_cast<std::uint32_t>(state.range(0));
    Packed list = packed(degree);
    if (state.range(1) != 0) {
        list.code = layouts::EdgeCode::fixed_width(20);
        list.bytes.resize(list.code.bits(degree) / 8 + 1 + base::kBitReadSlack);
    }
    std::vector<std::uint32_t> out(degree);
    for (auto _ : state) {
        list.code.decode(list.bytes.data(), 0, degree, out.data());
        benchmark::DoNotOptimize(out.data());
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(decode)->ArgsProduct({{16, 32, 64}, {0, 1}});

}  // namespace
