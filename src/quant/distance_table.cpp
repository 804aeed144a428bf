#include "quant/distance_table.h"

#include "base/assert.h"

#include <algorithm>
#include <cstring>

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

// Four sums, so that additions do not wait for one another; codes are read eight at a time.
float DistanceTable::estimate_one(const std::uint8_t* code,
                                  std::uint32_t code_bytes) const noexcept {
    float sums[4] = {offset_, 0, 0, 0};
    const float* table = values_.data();
    std::uint32_t s = 0;
    for (; s + 8 <= code_bytes; s += 8, table += std::size_t{8} * kCodewords) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, code + s, 8);
        for (std::size_t i = 0; i < 8; ++i)
            sums[i % 4] += table[i * kCodewords + (eight >> (8 * i) & 0xffU)];
    }
    for (; s < code_bytes; ++s, table += kCodewords)
        sums[s % 4] += table[code[s]];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

void DistanceTable::estimate(const Codes& codes, std::span<const std::uint32_t> ids,
                             float* out) const {
    for (std::size_t i = 0; i < ids.size(); ++i)
        out[i] = estimate_one(codes.row(ids[i]), codes.code_bytes);
}

}  // namespace trackway::quant
