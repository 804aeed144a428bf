// Product quantisation after a rotation (Ge, He, Ke and Sun 2013, "Optimized Product Quantization",
// section 3.3.1): to the principal axes, shared out among the subspaces so that the products of
// their variances are alike.
#pragma once

#include "quant/codec.h"
#include "quant/product_quantizer.h"

#include <cstdint>
#include <span>
#include <vector>

namespace trackway::quant {

class RotatedQuantizer final : public Codec {
public:
    // table as table() gives it.
    RotatedQuantizer(std::uint32_t dimension, std::uint32_t code_bytes,
                     std::span<const float> table);

    static RotatedQuantizer train(std::span<const float> sample, std::uint32_t dimension,
                                  const TrainOptions& options, const base::Arena& arena);

    // out = the vector in the rotated axes. REQUIRES: sizes are dimension().
    void rotate(std::span<const float> vector, std::span<float> out) const;

    CodeType type() const noexcept override { return CodeType::kOpq; }
    std::vector<float> table() const override;
    std::uint64_t bytes() const noexcept override;
    void encode(std::span<const float> vector, std::span<std::uint8_t> code) const override;
    void prepare(Metric metric, std::span<const float> query, QueryTable& table) const override;
    void estimate(const QueryTable& table, const Codes& codes, std::span<const std::uint32_t> ids,
                  float* out) const override;

private:
    RotatedQuantizer(std::vector<float> axes, ProductQuantizer quantizer);

    std::vector<float> axes_;  // dimension x dimension; each row is one of the rotated axes
    ProductQuantizer quantizer_;
};

}  // namespace trackway::quant
