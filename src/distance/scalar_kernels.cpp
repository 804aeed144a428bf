// Plain loops: the reference that every other table is proved against, and the table of last
// resort.
#include "base/float16.h"
#include "distance/kernel_tables.h"

#include <cmath>
#include <cstdint>
#include <type_traits>

namespace trackway::distance {
namespace {

template <class T>
auto widen(T value) noexcept {
    if constexpr (std::is_same_v<T, base::Float16>) {
        return base::to_float(value);
    } else if constexpr (std::is_same_v<T, float>) {
        return value;
    } else {
        return static_cast<std::int32_t>(value);
    }
}

struct Sums {
    float squared_l2, dot, query_norm, row_norm;
};

template <class T>
Sums sum_products(const T* query, const T* row, std::uint32_t dimension) noexcept {
    using Wide = decltype(widen(T{}));
    Wide l2{};
    Wide dot{};
    Wide query_norm{};
    Wide row_norm{};
    for (std::uint32_t i = 0; i < dimension; ++i) {
        const Wide q = widen(query[i]);
        const Wide r = widen(row[i]);
        l2 += (q - r) * (q - r);
        dot += q * r;
        query_norm += q * q;
        row_norm += r * r;
    }
    return {static_cast<float>(l2), static_cast<float>(dot), static_cast<float>(query_norm),
            static_cast<float>(row_norm)};
}

float finish(Metric metric, const Sums& sums) noexcept {
    if (metric == Metric::kL2) return sums.squared_l2;
    if (metric == Metric::kInnerProduct) return -sums.dot;
    if (sums.query_norm == 0 || sums.row_norm == 0) return 1;
    return 1 - sums.dot / (std::sqrt(sums.query_norm) * std::sqrt(sums.row_norm));
}

template <class T, Metric metric>
void distances(const void* query, const Rows& rows, std::uint32_t dimension, float* out) {
    const T* q = static_cast<const T*>(query);
    for (std::size_t i = 0; i < rows.count; ++i) {
        const std::size_t id = rows.ids != nullptr ? rows.ids[i] : i;
        const void* address = rows.base + id * rows.stride_bytes;
        const T* row = static_cast<const T*>(address);
        out[i] = finish(metric, sum_products(q, row, dimension));
        if (metric == Metric::kCosine && out[i] < kNearCosine)
            out[i] = near_cosine(q, row, dimension);
    }
}

void codebook_l2(const float* vector, const Codebook& codebook, float* out) {
    for (std::uint32_t c = 0; c < kCodewords; ++c) {
        out[c] = 0;
        for (std::uint32_t i = 0; i < codebook.dimension; ++i) {
            const float difference = vector[i] - codebook.values[i * kCodewords + c];
            out[c] += difference * difference;
        }
    }
}

void codebook_inner_product(const float* vector, const Codebook& codebook, float* out) {
    for (std::uint32_t c = 0; c < kCodewords; ++c) {
        out[c] = 0;
        for (std::uint32_t i = 0; i < codebook.dimension; ++i)
            out[c] -= vector[i] * codebook.values[i * kCodewords + c];
    }
}

std::uint32_t nearest_codeword(const float* vector, const Codebook& codebook) {
    std::array<float, kCodewords> scores{};
    codebook_l2(vector, codebook, scores.data());
    std::uint32_t best = 0;
    for (std::uint32_t c = 1; c < kCodewords; ++c) {
        if (scores[c] < scores[best]) best = c;
    }
    return best;
}

std::int32_t packed_dot(const PackedNumbers& numbers, const std::int16_t* query) {
    const std::uint32_t mask = (1U << numbers.bits) - 1;
    std::int32_t sum = 0;
    for (std::uint32_t shift = 0; shift < 8; shift += numbers.bits, query += numbers.byte_count) {
        for (std::size_t j = 0; j < numbers.byte_count; ++j)
            sum += static_cast<std::int32_t>(numbers.bytes[j] >> shift & mask) * query[j];
    }
    return sum;
}

template <Metric metric>
constexpr std::array<DistanceFn, 4> kDistances = {
    distances<float, metric>, distances<base::Float16, metric>, distances<std::uint8_t, metric>,
    distances<std::int8_t, metric>};

}  // namespace

template <class T>
float near_cosine(const T* a, const T* b, std::uint32_t dimension) noexcept {
    double a_norm = 0;
    double b_norm = 0;
    for (std::uint32_t i = 0; i < dimension; ++i) {
        a_norm += double{1} * widen(a[i]) * widen(a[i]);
        b_norm += double{1} * widen(b[i]) * widen(b[i]);
    }
    const double a_scale = 1 / std::sqrt(a_norm);
    const double b_scale = 1 / std::sqrt(b_norm);
    double sum = 0;
    for (std::uint32_t i = 0; i < dimension; ++i) {
        const double difference = widen(a[i]) * a_scale - widen(b[i]) * b_scale;
        sum += difference * difference;
    }
    return static_cast<float>(sum / 2);
}

template float near_cosine(const float* a, const float* b, std::uint32_t dimension) noexcept;
template float near_cosine(const base::Float16* a, const base::Float16* b,
                           std::uint32_t dimension) noexcept;
template float near_cosine(const std::uint8_t* a, const std::uint8_t* b,
                           std::uint32_t dimension) noexcept;
template float near_cosine(const std::int8_t* a, const std::int8_t* b,
                           std::uint32_t dimension) noexcept;

KernelTable scalar_kernels() {
    return {.isa = Isa::kScalar,
            .distances = {kDistances<Metric::kL2>, kDistances<Metric::kInnerProduct>,
                          kDistances<Metric::kCosine>},
            .codebook_l2 = codebook_l2,
            .codebook_inner_product = codebook_inner_product,
            .nearest_codeword = nearest_codeword,
            .packed_dot = packed_dot};
}

}  // namespace trackway::distance
