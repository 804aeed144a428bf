#include "quant/product_quantizer.h"

#include "base/assert.h"
#include "quant/kmeans.h"

#include <algorithm>
#include <utility>

namespace trackway::quant {
Subspaces::Subspaces(std::uint32_t dimension, std::uint32_t count)
    : dimension_(dimension), count_(count) {
    TRACKWAY_ASSERT(count > 0);
    TRACKWAY_ASSERT(dimension >= count);
}

ProductQuantizer::ProductQuantizer(std::uint32_t dimension, std::uint32_t code_bytes,
                                   std::vector<float> codewords)
    : subspaces_(dimension, code_bytes), codewords_(std::move(codewords)) {
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

}  // namespace trackway::quant
