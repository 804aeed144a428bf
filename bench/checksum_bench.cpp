// Bytes a second of the checksum of pages, and of the one of files that arrive in pieces.
#include "base/checksum.h"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using namespace trackway;

std::vector<std::byte> bytes_of(std::int64_t size) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<std::byte>(i * 37 % 251);
    return bytes;
}

// page size
void of_page(benchmark::State& state) {
    const auto bytes = bytes_of(state.range(0));
    for (auto _ : state)
        benchmark::DoNotOptimize(base::checksum64(bytes, 7));
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(of_page)->Arg(4096)->Arg(8192)->Arg(16384)->Arg(65536);

// block size
void of_blocks(benchmark::State& state) {
    const auto bytes = bytes_of(state.range(0));
    base::Checksum checksum;
    for (auto _ : state)
        checksum.update(bytes);
    benchmark::DoNotOptimize(checksum.digest64());
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(of_blocks)->Arg(4096)->Arg(1 << 20);

}  // namespace
