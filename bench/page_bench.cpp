// What verifying a page costs, and unpacking one adjacency list.
#include "layouts/page.h"

#include <benchmark/benchmark.h>

#include <vector>

namespace {

using namespace trackway;

const layouts::PageGeometry kGeometry{.page_size_bytes = 4096,
                                      .vector_bytes = 128,
                                      .vertices_per_page = 16,
                                      .page_count = 16384,
                                      .max_degree = 64,
                                      .row_bits = 18,
                                      .row_count = 250000,
                                      .seed = 1,
                                      .edges = layouts::EdgeCode::elias_fano(270000)};

std::vector<std::byte> page_of_sixteen() {
    const std::vector<std::byte> vector(128, std::byte{9});
    std::vector<std::uint32_t> neighbors(48);
    for (std::uint32_t i = 0; i < neighbors.size(); ++i)
        neighbors[i] = 2000 + 5501 * i;
    const std::vector<layouts::VertexRecord> records(16, {VectorId{7}, vector.data(), neighbors});
    std::vector<std::byte> bytes(kGeometry.page_size_bytes);
    layouts::encode_page(kGeometry, PageId{3}, records, bytes);
    return bytes;
}

void verify(benchmark::State& state) {
    const auto bytes = page_of_sixteen();
    for (auto _ : state) {
        auto view = layouts::PageView::open(kGeometry, PageId{3}, bytes);
        benchmark::DoNotOptimize(view);
    }
}
BENCHMARK(verify);

void unpack_neighbors(benchmark::State& state) {
    const auto bytes = page_of_sixteen();
    const auto view = layouts::PageView::open(kGeometry, PageId{3}, bytes);
    std::vector<std::uint32_t> out(64);
    std::uint32_t slot = 0;
    for (auto _ : state) {
        view->neighbors(slot, out.data());
        benchmark::DoNotOptimize(out.data());
        slot = (slot + 1) % 16;
    }
}
BENCHMARK(unpack_neighbors);

}  // namespace
