// Distance kernels: one query against many rows. Smaller is nearer for every metric.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trackway::distance {

// count rows of one matrix. ids names them; null means rows 0 .. count-1.
struct Rows {
    const std::byte* base = nullptr;
    std::size_t stride_bytes = 0;
    const std::uint32_t* ids = nullptr;
    std::size_t count = 0;
};

// out[i] = distance of query and row i: squared L2; minus the inner product; or 1 - cosine, where
// a zero vector is at distance 1 from everything. Integer types accumulate exactly in 32 bits. Near
// rows are compared by their difference under cosine, so that no distance is below 0 and the order
// of copies that differ in their last digits is right.
// REQUIRES: query and rows aligned to the element type, dimension 1 .. kMaxDimension.
using DistanceFn = void (*)(const void* query, const Rows& rows, std::uint32_t dimension,
                            float* out);

// The codewords of one subspace, transposed: dimension x kCodewords.
constexpr std::uint32_t kCodewords = 256;
struct Codebook {
    const float* values = nullptr;
    std::uint32_t dimension = 0;
};

// out[c] = squared L2 of vector and codeword c, or minus their inner product.
using CodebookFn = void (*)(const float* vector, const Codebook& codebook, float* out);
// The codeword nearest by squared L2, the smallest of equals.
using NearestFn = std::uint32_t (*)(const float* vector, const Codebook& codebook);

// Numbers of 1, 2 or 4 bits, packed so that those of a byte are a stride apart: number j of part p
// stands in bits [p * bits, (p + 1) * bits) of byte j.
struct PackedNumbers {
    const std::uint8_t* bytes = nullptr;
    std::size_t byte_count = 0;
    std::uint32_t bits = 0;
};
// The inner product of the numbers with 8 / bits * byte_count query elements. REQUIRES: it fits 32
// bits.
using PackedDotFn = std::int32_t (*)(const PackedNumbers& numbers, const std::int16_t* query);

enum class Isa : std::uint8_t { kScalar, kSse, kAvx2, kAvx512, kNeon };
const char* name_of(Isa isa) noexcept;

struct KernelTable {
    Isa isa = Isa::kScalar;
    std::array<std::array<DistanceFn, 4>, 3> distances{};  // [metric - 1][element type - 1]
    CodebookFn codebook_l2 = nullptr;
    CodebookFn codebook_inner_product = nullptr;
    NearestFn nearest_codeword = nullptr;
    PackedDotFn packed_dot = nullptr;
};

// Every table that this CPU can run, the best first; kScalar is always the last.
std::span<const KernelTable> available_kernels();

// The best table, or the one that the environment variable TRACKWAY_ISA names; chosen once.
// kInvalidArgument when that name is unknown or this CPU cannot run it.
Result<const KernelTable*> chosen_kernels();

// REQUIRES: chosen_kernels() succeeds; build, open and exact_search check it first.
const KernelTable& kernels();

inline DistanceFn distance_function(Metric metric, ElementType type) {
    const auto m = static_cast<std::size_t>(metric) - 1;
    return kernels().distances[m][static_cast<std::size_t>(type) - 1];
}

}  // namespace trackway::distance
