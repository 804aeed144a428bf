// Per-query table of distances to every codeword, and estimates of distances from codes.
#pragma once

#include "trackway/types.h"

#include "quant/product_quantizer.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::quant {

// The codes of one shard: row i, code_bytes long, belongs to vertex i.
struct Codes {
    const std::uint8_t* values = nullptr;
    std::uint32_t code_bytes = 0;

    const std::uint8_t* row(std::uint32_t id) const noexcept {
        return values + std::size_t{id} * code_bytes;
    }
    // Asks for the memory of a code that will soon be looked at.
    void prefetch(std::uint32_t id) const noexcept {
        const std::uint8_t* first = row(id);
        for (std::uint32_t at = 0; at < code_bytes; at += 64)
            __builtin_prefetch(first + at);
        __builtin_prefetch(first + code_bytes - 1);
    }
};

class DistanceTable {
public:
    // Fills the table for a query given as distance::row_floats() makes it; reusable for the next
    // query. Estimates are of what the distance kernels compute: squared L2, minus the inner
    // product, or 1 - cosine.
    void prepare(const ProductQuantizer& quantizer, Metric metric, std::span<const float> query);

    // out[i] = estimate for vertex ids[i] (asymmetric distance, Jegou et al. section III-A).
    void estimate(const Codes& codes, std::span<const std::uint32_t> ids, float* out) const;

private:
    float estimate_one(const std::uint8_t* code, std::uint32_t code_bytes) const noexcept;

    std::vector<float> values_;  // code_bytes x kCodewords
    float offset_ = 0;
};

}  // namespace trackway::quant
