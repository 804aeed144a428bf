// What the codes of a product quantizer stand for.
#pragma once

#include "quant/product_quantizer.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::test {

inline std::vector<float> decoded(const quant::ProductQuantizer& quantizer,
                                  std::span<const std::uint8_t> code) {
    std::vector<float> vector;
    for (std::uint32_t s = 0; s < quantizer.code_bytes(); ++s) {
        const distance::Codebook codebook = quantizer.codebook(s);
        for (std::size_t d = 0; d < codebook.dimension; ++d)
            vector.push_back(codebook.values[d * distance::kCodewords + code[s]]);
    }
    return vector;
}

}  // namespace trackway::test
