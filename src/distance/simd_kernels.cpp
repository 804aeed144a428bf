// The kernels through Highway: this file is compiled once per instruction set and dispatched at
// run time. The only user of Highway.
#include "base/float16.h"
#include "distance/kernel_tables.h"

#include <cmath>
#include <cstdint>

// SVE's sizeless vectors cannot be members; NEON serves AArch64.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "src/distance/simd_kernels.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace trackway::distance::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Shorts = hn::ScalableTag<std::int16_t>;
using Ints = hn::Repartition<std::int32_t, Shorts>;

// How elements are loaded and widened: floats to float lanes, bytes to 16-bit lanes.
template <class T>
struct Lanes;

template <>
struct Lanes<float> {
    using D = Floats;
    static HWY_INLINE hn::Vec<D> load(const float* from) { return hn::LoadU(D(), from); }
};

template <>
struct Lanes<base::Float16> {
    using D = Floats;
    static HWY_INLINE hn::Vec<D> load(const base::Float16* from) {
        const hn::Rebind<hwy::float16_t, D> narrow;
        const void* bytes = from;
        return hn::PromoteTo(D(), hn::LoadU(narrow, static_cast<const hwy::float16_t*>(bytes)));
    }
};

template <class T>
struct ByteLanes {
    using D = Shorts;
    static HWY_INLINE hn::Vec<D> load(const T* from) {
        return hn::PromoteTo(D(), hn::LoadU(hn::Rebind<T, D>(), from));
    }
};
template <>
struct Lanes<std::uint8_t> : ByteLanes<std::uint8_t> {};
template <>
struct Lanes<std::int8_t> : ByteLanes<std::int8_t> {};

// A running sum of products. The constructors here are spelled out because g++ compiles implicit
// ones without the instruction set of the surrounding region.
template <class D>
struct Sum;

template <>
struct Sum<Floats> {
    hn::Vec<Floats> lanes;
    HWY_INLINE Sum() : lanes(hn::Zero(Floats())) {}
    HWY_INLINE void add(hn::Vec<Floats> a, hn::Vec<Floats> b) { lanes = hn::MulAdd(a, b, lanes); }
    HWY_INLINE float total() const { return hn::GetLane(hn::SumOfLanes(Floats(), lanes)); }
};

template <>
struct Sum<Shorts> {
    hn::Vec<Ints> low;
    hn::Vec<Ints> high;
    HWY_INLINE Sum() : low(hn::Zero(Ints())), high(hn::Zero(Ints())) {}
    HWY_INLINE void add(hn::Vec<Shorts> a, hn::Vec<Shorts> b) {
        low = hn::ReorderWidenMulAccumulate(Ints(), a, b, low, high);
    }
    HWY_INLINE std::int32_t integer() const {
        return hn::GetLane(hn::SumOfLanes(Ints(), hn::Add(low, high)));
    }
    HWY_INLINE float total() const { return static_cast<float>(integer()); }
};

template <class D>
struct L2 {
    Sum<D> sum;
    HWY_INLINE L2() : sum() {}
    HWY_INLINE void add(hn::Vec<D> query, hn::Vec<D> row) {
        const auto difference = hn::Sub(query, row);
        sum.add(difference, difference);
    }
    HWY_INLINE float finish(float /*query_norm*/) const { return sum.total(); }
};

template <class D>
struct InnerProduct {
    Sum<D> sum;
    HWY_INLINE InnerProduct() : sum() {}
    HWY_INLINE void add(hn::Vec<D> query, hn::Vec<D> row) { sum.add(query, row); }
    HWY_INLINE float finish(float /*query_norm*/) const { return -sum.total(); }
};

template <class D>
struct Cosine {
    Sum<D> sum;
    Sum<D> row_norm;
    HWY_INLINE Cosine() : sum(), row_norm() {}
    HWY_INLINE void add(hn::Vec<D> query, hn::Vec<D> row) {
        sum.add(query, row);
        row_norm.add(row, row);
    }
    HWY_INLINE float finish(float query_norm) const {
        const float norm = row_norm.total();
        if (query_norm == 0 || norm == 0) return 1;
        return 1 - sum.total() / (std::sqrt(query_norm) * std::sqrt(norm));
    }
};

// A zero-padded copy of a vector shorter than one register, or of nothing.
template <class T>
struct Padded {
    alignas(64) T values[64] = {};
    HWY_INLINE const T* fill(const T* from, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            values[i] = from[i];
        return values;
    }
};

// Feeds kCount measures with all elements. The last step of a dimension that the register does
// not divide reloads some elements and blanks them, so nothing is read beyond the rows.
template <class T, class Measure, int kCount>
HWY_INLINE void accumulate(const T* query, const T* const* rows, std::size_t dimension,
                           Measure* measures) {
    using D = typename Lanes<T>::D;
    const D d;
    const std::size_t step = hn::Lanes(d);
    std::size_t i = 0;
    for (; i + step <= dimension; i += step) {
        const auto q = Lanes<T>::load(query + i);
        for (int k = 0; k < kCount; ++k)
            measures[k].add(q, Lanes<T>::load(rows[k] + i));
    }
    if (i == dimension) return;
    if (dimension < step) {
        Padded<T> padded_query;
        const auto q = Lanes<T>::load(padded_query.fill(query, dimension));
        for (int k = 0; k < kCount; ++k) {
            Padded<T> padded_row;
            measures[k].add(q, Lanes<T>::load(padded_row.fill(rows[k], dimension)));
        }
        return;
    }
    const std::size_t last = dimension - step;
    const auto fresh = hn::Not(hn::FirstN(d, i - last));
    const auto q = hn::IfThenElseZero(fresh, Lanes<T>::load(query + last));
    for (int k = 0; k < kCount; ++k)
        measures[k].add(q, hn::IfThenElseZero(fresh, Lanes<T>::load(rows[k] + last)));
}

template <class T>
HWY_INLINE float squared_norm(const T* vector, std::size_t dimension) {
    InnerProduct<typename Lanes<T>::D> measure;
    accumulate<T, decltype(measure), 1>(vector, &vector, dimension, &measure);
    return -measure.finish(0);
}

HWY_INLINE const std::byte* row_address(const Rows& rows, std::size_t i) {
    return rows.base + (rows.ids != nullptr ? rows.ids[i] : i) * rows.stride_bytes;
}

// Rows named by ids lie anywhere: their first lines are asked for a few rows ahead.
HWY_INLINE void prefetch_row(const Rows& rows, std::size_t i, std::size_t row_bytes) {
    if (rows.ids == nullptr || i >= rows.count) return;
    const std::byte* row = row_address(rows, i);
    const std::size_t bytes = row_bytes < 512 ? row_bytes : 512;
    for (std::size_t offset = 0; offset < bytes; offset += 64)
        __builtin_prefetch(row + offset);
}

template <class T>
HWY_INLINE float exact_if_near(float cosine, const T* query, const T* row,
                               std::uint32_t dimension) {
    return cosine < kNearCosine ? near_cosine(query, row, dimension) : cosine;
}

template <class T, template <class> class MeasureOf>
void distances(const void* query, const Rows& rows, std::uint32_t dimension, float* out) {
    using Measure = MeasureOf<typename Lanes<T>::D>;
    constexpr int kBatch = 4;
    constexpr std::size_t kAhead = 8;
    const T* q = static_cast<const T*>(query);
    const auto address = [&](std::size_t i) {
        return static_cast<const T*>(static_cast<const void*>(row_address(rows, i)));
    };
    const std::size_t row_bytes = dimension * sizeof(T);
    constexpr bool cosine = std::is_same_v<Measure, Cosine<typename Lanes<T>::D>>;
    const float query_norm = cosine ? squared_norm(q, dimension) : 0;
    for (std::size_t i = 0; i < kAhead; ++i)
        prefetch_row(rows, i, row_bytes);
    std::size_t i = 0;
    for (; i + kBatch <= rows.count; i += kBatch) {
        for (std::size_t k = 0; k < kBatch; ++k)
            prefetch_row(rows, i + kAhead + k, row_bytes);
        const T* batch[kBatch] = {address(i), address(i + 1), address(i + 2), address(i + 3)};
        Measure measures[kBatch];
        accumulate<T, Measure, kBatch>(q, batch, dimension, measures);
        for (std::size_t k = 0; k < kBatch; ++k) {
            out[i + k] = measures[k].finish(query_norm);
            if constexpr (cosine) out[i + k] = exact_if_near(out[i + k], q, batch[k], dimension);
        }
    }
    for (; i < rows.count; ++i) {
        const T* row = address(i);
        Measure measure;
        accumulate<T, Measure, 1>(q, &row, dimension, &measure);
        out[i] = measure.finish(query_norm);
        if constexpr (cosine) out[i] = exact_if_near(out[i], q, row, dimension);
    }
}

// Squared distances, or minus inner products, of vector and codewords [c, c + Lanes).
template <bool kInnerProduct>
HWY_INLINE hn::Vec<Floats> codeword_scores(const float* vector, const Codebook& codebook,
                                           std::size_t c) {
    const Floats d;
    auto sum = hn::Zero(d);
    for (std::uint32_t i = 0; i < codebook.dimension; ++i) {
        const auto x = hn::Set(d, vector[i]);
        const auto values = hn::LoadU(d, codebook.values + i * std::size_t{kCodewords} + c);
        if constexpr (kInnerProduct) {
            sum = hn::NegMulAdd(x, values, sum);
        } else {
            const auto difference = hn::Sub(x, values);
            sum = hn::MulAdd(difference, difference, sum);
        }
    }
    return sum;
}

template <bool kInnerProduct>
void codebook_scores(const float* vector, const Codebook& codebook, float* out) {
    const Floats d;
    for (std::size_t c = 0; c < kCodewords; c += hn::Lanes(d))
        hn::StoreU(codeword_scores<kInnerProduct>(vector, codebook, c), d, out + c);
}

std::uint32_t nearest_codeword(const float* vector, const Codebook& codebook) {
    const Floats d;
    const hn::RebindToSigned<Floats> di;
    const std::size_t step = hn::Lanes(d);
    auto best = codeword_scores<false>(vector, codebook, 0);
    auto best_start = hn::Zero(di);
    for (std::size_t c = step; c < kCodewords; c += step) {
        const auto scores = codeword_scores<false>(vector, codebook, c);
        const auto nearer = hn::Lt(scores, best);
        best = hn::IfThenElse(nearer, scores, best);
        const auto start = hn::Set(di, static_cast<std::int32_t>(c));
        best_start = hn::IfThenElse(hn::RebindMask(di, nearer), start, best_start);
    }
    alignas(64) float score[HWY_MAX_BYTES / sizeof(float)];
    alignas(64) std::int32_t start[HWY_MAX_BYTES / sizeof(float)];
    hn::StoreU(best, d, score);
    hn::StoreU(best_start, di, start);
    std::size_t lane = 0;
    const auto codeword = [&](std::size_t l) { return static_cast<std::size_t>(start[l]) + l; };
    for (std::size_t l = 1; l < step; ++l) {
        const bool tie = score[l] == score[lane] && codeword(l) < codeword(lane);
        if (score[l] < score[lane] || tie) lane = l;
    }
    return static_cast<std::uint32_t>(codeword(lane));
}

// Each byte is loaded once and serves all of its numbers.
template <int kBits>
HWY_INLINE std::int32_t packed_dot_of(const PackedNumbers& numbers, const std::int16_t* query) {
    constexpr int kParts = 8 / kBits;
    const Shorts d;
    const hn::Rebind<std::uint8_t, Shorts> narrow;
    const std::size_t step = hn::Lanes(d);
    const auto mask = hn::Set(d, (1 << kBits) - 1);
    Sum<Shorts> sum;
    std::size_t j = 0;
    for (; j + step <= numbers.byte_count; j += step) {
        auto bytes = hn::PromoteTo(d, hn::LoadU(narrow, numbers.bytes + j));
        for (std::size_t part = 0; part < kParts; ++part) {
            sum.add(hn::And(bytes, mask), hn::LoadU(d, query + part * numbers.byte_count + j));
            bytes = hn::ShiftRight<kBits>(bytes);
        }
    }
    std::int32_t total = sum.integer();
    for (; j < numbers.byte_count; ++j) {
        for (std::size_t part = 0; part < kParts; ++part) {
            const int value = numbers.bytes[j] >> (part * kBits) & ((1 << kBits) - 1);
            total += value * query[part * numbers.byte_count + j];
        }
    }
    return total;
}

std::int32_t packed_dot(const PackedNumbers& numbers, const std::int16_t* query) {
    if (numbers.bits == 1) return packed_dot_of<1>(numbers, query);
    if (numbers.bits == 2) return packed_dot_of<2>(numbers, query);
    return packed_dot_of<4>(numbers, query);
}

template <template <class> class Measure>
constexpr std::array<DistanceFn, 4> kDistances = {
    distances<float, Measure>, distances<base::Float16, Measure>, distances<std::uint8_t, Measure>,
    distances<std::int8_t, Measure>};

KernelTable table() {
    Isa isa = Isa::kSse;
    if (HWY_TARGET == HWY_AVX2) isa = Isa::kAvx2;
    if (HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL) isa = Isa::kAvx512;
    if (HWY_TARGET == HWY_NEON) isa = Isa::kNeon;
    return {.isa = isa,
            .distances = {kDistances<L2>, kDistances<InnerProduct>, kDistances<Cosine>},
            .codebook_l2 = codebook_scores<false>,
            .codebook_inner_product = codebook_scores<true>,
            .nearest_codeword = nearest_codeword,
            .packed_dot = packed_dot};
}

}  // namespace trackway::distance::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace trackway::distance {

HWY_EXPORT(table);

std::vector<KernelTable> simd_kernels() {
    std::vector<KernelTable> tables;
    // Highway's target bits rise from the best to the plainest.
    for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
        hwy::SetSupportedTargetsForTest(target);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
        const KernelTable found = HWY_DYNAMIC_DISPATCH(table)();
        if (tables.empty() || tables.back().isa != found.isa) tables.push_back(found);
    }
    hwy::SetSupportedTargetsForTest(0);
    return tables;
}

}  // namespace trackway::distance
#endif
