// Trains the product quantizer on a sample and encodes every vector.
#pragma once

#include "trackway/types.h"

#include "base/aligned_buffer.h"
#include "base/arena.h"
#include "quant/product_quantizer.h"

#include <cstdint>
#include <vector>

namespace trackway::builder {

struct CodesOptions {
    Metric metric = Metric::kL2;
    std::uint32_t code_bytes = 32;
    std::uint64_t seed = 1;
};

// On a seeded sample of rows. Unfinished when arena.stopped().
quant::ProductQuantizer train_quantizer(const MatrixView& vectors, const CodesOptions& options,
                                        const base::Arena& arena);

// Row i of the result is the code of row i of the vectors.
std::vector<std::uint8_t> encode_rows(const MatrixView& vectors, Metric metric,
                                      const quant::ProductQuantizer& quantizer,
                                      const base::Arena& arena);

// Bytes that training holds at once, for planning.
std::uint64_t training_bytes(std::uint64_t rows, std::uint32_t dimension,
                             std::uint32_t code_bytes) noexcept;

}  // namespace trackway::builder
