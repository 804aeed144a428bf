#include "quant/distance_table.h"

#include "base/assert.h"

#include <algorithm>

namespace trackway::quant {

using distance::kCodewords;

void DistanceTable::prepare(const ProductQuantizer& quantizer, Metric metric,
                            std::span<const float> query) {
    const Subspaces& subspaces = quantizer.subspaces();
    TRACKWAY_ASSERT(query.size() == subspaces.dimension());
    values_.resize(std::size_t{subspaces.count()} * kCodewords);
    const distance::KernelTable& kernels = distance::kernels();
    const auto scores =
        metric == Metric::kL2 ? kernels.codebook_l2 : kernels.codebook_inner_product;
    offset_ = metric == Metric::kCosine ? 1.0F : 0.0F;
    for (std::uint32_t s = 0; s < subspaces.count(); ++s) {
        scores(query.data() + subspaces.begin(s), quantizer.codebook(s),
               values_.data() + std::size_t{s} * kCodewords);
    }
}

// Four sums, so that additions do not wait for one another.
float DistanceTable::estimate_one(const std::uint8_t* code,
                                  std::uint32_t code_bytes) const noexcept {
    float sums[4] = {offset_, 0, 0, 0};
    const float* table = values_.data();
    std::uint32_t s = 0;
    for (; s + 4 <= code_bytes; s += 4, table += std::size_t{4} * kCodewords) {
        sums[0] += table[code[s]];
        sums[1] += table[kCodewords + code[s + 1]];
        sums[2] += table[std::size_t{2} * kCodewords + code[s + 2]];
        sums[3] += table[std::size_t{3} * kCodewords + code[s + 3]];
    }
    for (; s < code_bytes; ++s, table += kCodewords)
        sums[0] += table[code[s]];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

void DistanceTable::estimate(const Codes& codes, std::span<const std::uint32_t> ids,
                             float* out) const {
    constexpr std::size_t kAhead = 8;
    const auto code_of = [&](std::size_t i) {
        return codes.values + std::size_t{ids[i]} * codes.code_bytes;
    };
    const auto prefetch = [&](std::size_t i) {
        __builtin_prefetch(code_of(i));
        __builtin_prefetch(code_of(i) + codes.code_bytes - 1);
    };
    for (std::size_t i = 0; i < std::min(kAhead, ids.size()); ++i)
        prefetch(i);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (i + kAhead < ids.size()) prefetch(i + kAhead);
        out[i] = estimate_one(code_of(i), codes.code_bytes);
    }
}

}  // namespace trackway::quant
