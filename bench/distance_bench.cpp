// GB/s of every distance kernel over rows that lie in memory, beside a plain read of the same
// bytes: the ratio is the kernel's share of what the memory gives.
#include "base/aligned_buffer.h"
#include "base/float16.h"
#include "distance/distance.h"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace {

using namespace trackway;

constexpr std::uint32_t kDimension = 128;
constexpr std::size_t kBytes = std::size_t{64} << 20U;  // far beyond a core's own caches

// Elements of the type, all ordinary numbers: floats made of random bytes would be mostly denormal.
base::AlignedBuffer memory_of(ElementType type) {
    base::AlignedBuffer filled(kBytes);
    for (std::size_t i = 0; i < kBytes / element_size_bytes(type); ++i) {
        const auto value = static_cast<std::uint8_t>(i * 37 % 59);
        std::byte* at = filled.data() + i * element_size_bytes(type);
        const float real = value;
        const base::Float16 half = base::to_float16(real);
        if (type == ElementType::kFloat32) std::memcpy(at, &real, sizeof real);
        if (type == ElementType::kFloat16) std::memcpy(at, &half, sizeof half);
        if (element_size_bytes(type) == 1) *at = std::byte{value};
    }
    return filled;
}

void plain_read(benchmark::State& state) {
    const base::AlignedBuffer memory = memory_of(ElementType::kUint8);
    constexpr std::size_t kWords = 32;
    for (auto _ : state) {
        std::uint64_t sums[kWords] = {};
        for (std::size_t i = 0; i < kBytes; i += sizeof sums) {
            std::uint64_t words[kWords];
            std::memcpy(words, memory.data() + i, sizeof words);
            for (std::size_t j = 0; j < kWords; ++j)
                sums[j] ^= words[j];
        }
        benchmark::DoNotOptimize(sums);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kBytes));
}

void kernel(benchmark::State& state, distance::DistanceFn measure, ElementType type) {
    const base::AlignedBuffer memory = memory_of(type);
    const std::size_t row_bytes = kDimension * element_size_bytes(type);
    const std::size_t rows = kBytes / row_bytes;
    std::vector<float> out(rows);
    for (auto _ : state) {
        measure(memory.data(), {memory.data(), row_bytes, nullptr, rows}, kDimension, out.data());
        benchmark::DoNotOptimize(out.data());
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kBytes));
}

const bool kRegistered = [] {
    benchmark::RegisterBenchmark("plain_read", plain_read);
    for (const distance::KernelTable& table : distance::available_kernels()) {
        for (const Metric metric : {Metric::kL2, Metric::kInnerProduct, Metric::kCosine}) {
            for (const ElementType type : {ElementType::kFloat32, ElementType::kFloat16,
                                           ElementType::kUint8, ElementType::kInt8}) {
                const auto m = static_cast<std::size_t>(metric) - 1;
                const auto measure = table.distances[m][static_cast<std::size_t>(type) - 1];
                const std::string name = std::string(distance::name_of(table.isa)) + "/" +
                                         name_of(metric) + "/" + name_of(type);
                benchmark::RegisterBenchmark(name.c_str(), kernel, measure, type);
            }
        }
    }
    return true;
}();

}  // namespace
