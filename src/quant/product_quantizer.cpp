#include "quant/product_quantizer.h"

#include "base/assert.h"
#include "quant/kmeans.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace trackway::quant {

using distance::kCodewords;

namespace {

// Four sums, so that additions do not wait for one another; codes are read eight at a time.
float estimate_one(const QueryTable& query, const std::uint8_t* code,
                   std::uint32_t code_bytes) noexcept {
    float sums[4] = {query.offset, 0, 0, 0};
    const float* values = query.values.data();
    std::uint32_t s = 0;
    for (; s + 8 <= code_bytes; s += 8, values += std::size_t{8} * kCodewords) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, code + s, 8);
        for (std::size_t i = 0; i < 8; ++i)
            sums[i % 4] += values[i * kCodewords + (eight >> (8 * i) & 0xffU)];
    }
    for (; s < code_bytes; ++s, values += kCodewords)
        sums[s % 4] += values[code[s]];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace

Subspaces::Subspaces(std::uint32_t dimension, std::uint32_t count)
    : dimension_(dimension), count_(count) {
    TRACKWAY_ASSERT(count > 0);
    TRACKWAY_ASSERT(dimension >= count);
}

ProductQuantizer::ProductQuantizer(std::uint32_t dimension, std::uint32_t code_bytes,
                                   std::vector<float> codewords)
    : Codec(dimension, code_bytes),
      subspaces_(dimension, code_bytes),
      codewords_(std::move(codewords)) {
    TRACKWAY_ASSERT(codewords_.size() == std::size_t{dimension} * distance::kCodewords);
}

ProductQuantizer ProductQuantizer::train(std::span<const float> sample, std::uint32_t dimension,
                                         const TrainOptions& options, const base::Arena& arena) {
    const Subspaces subspaces(dimension, options.code_bytes);
    const std::size_t rows = sample.size() / dimension;
    std::vector<float> codewords;
    codewords.reserve(std::size_t{dimension} * distance::kCodewords);
    std::vector<float> part;
    for (std::uint32_t s = 0; s < subspaces.count(); ++s) {
        const std::uint32_t size = subspaces.size(s);
        part.resize(rows * size);
        for (std::size_t i = 0; i < rows; ++i) {
            std::copy_n(sample.data() + i * dimension + subspaces.begin(s), size,
                        part.data() + i * size);
        }
        const auto codebook = train_codebook(
            {part, size}, {.iterations = options.iterations, .seed = options.seed + s}, arena);
        codewords.insert(codewords.end(), codebook.begin(), codebook.end());
    }
    return {dimension, options.code_bytes, std::move(codewords)};
}

void ProductQuantizer::encode(std::span<const float> vector, std::span<std::uint8_t> code) const {
    TRACKWAY_ASSERT(vector.size() == subspaces_.dimension() && code.size() == code_bytes());
    const distance::KernelTable& kernels = distance::kernels();
    for (std::uint32_t s = 0; s < subspaces_.count(); ++s) {
        code[s] = static_cast<std::uint8_t>(
            kernels.nearest_codeword(vector.data() + subspaces_.begin(s), codebook(s)));
    }
}

void ProductQuantizer::prepare(Metric metric, std::span<const float> query,
                               QueryTable& table) const {
    TRACKWAY_ASSERT(query.size() == subspaces_.dimension());
    table.values.resize(std::size_t{subspaces_.count()} * kCodewords);
    const distance::KernelTable& kernels = distance::kernels();
    const auto scores =
        metric == Metric::kL2 ? kernels.codebook_l2 : kernels.codebook_inner_product;
    table.offset = metric == Metric::kCosine ? 1.0F : 0.0F;
    for (std::uint32_t s = 0; s < subspaces_.count(); ++s) {
        scores(query.data() + subspaces_.begin(s), codebook(s),
               table.values.data() + std::size_t{s} * kCodewords);
    }
}

void ProductQuantizer::estimate(const QueryTable& table, const Codes& codes,
                                std::span<const std::uint32_t> ids, float* out) const {
    for (std::size_t i = 0; i < ids.size(); ++i)
        out[i] = estimate_one(table, codes.row(ids[i]), codes.code_bytes);
}

}  // namespace trackway::quant
