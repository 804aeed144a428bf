// Product quantisation (Jegou, Douze and Schmid, 2011): a vector is cut into subspaces, each
// stored as the number of its nearest of 256 codewords.
#pragma once

#include "trackway/types.h"

#include "base/arena.h"
#include "distance/distance.h"
#include "quant/codec.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::quant {

// Subspace s of m covers dimensions [s * dimension / m, (s + 1) * dimension / m): sizes differ by
// at most one, for any dimension >= m.
class Subspaces {
public:
    Subspaces(std::uint32_t dimension, std::uint32_t count);

    std::uint32_t dimension() const noexcept { return dimension_; }
    std::uint32_t count() const noexcept { return count_; }
    std::uint32_t begin(std::uint32_t s) const noexcept {
        return static_cast<std::uint32_t>(std::uint64_t{s} * dimension_ / count_);
    }
    std::uint32_t size(std::uint32_t s) const noexcept { return begin(s + 1) - begin(s); }

private:
    std::uint32_t dimension_;
    std::uint32_t count_;
};

class ProductQuantizer final : public Codec {
public:
    // From codewords as codewords() gives them.
    // REQUIRES: codewords.size() == dimension * kCodewords, dimension >= code_bytes > 0.
    ProductQuantizer(std::uint32_t dimension, std::uint32_t code_bytes,
                     std::vector<float> codewords);

    // sample: row-major floats. Codewords are unfinished when arena.stopped().
    static ProductQuantizer train(std::span<const float> sample, std::uint32_t dimension,
                                  const TrainOptions& options, const base::Arena& arena);

    const Subspaces& subspaces() const noexcept { return subspaces_; }
    // All codebooks, subspace after subspace, each transposed: subspace dimension x kCodewords.
    std::span<const float> codewords() const noexcept { return codewords_; }
    distance::Codebook codebook(std::uint32_t subspace) const noexcept {
        return {codewords_.data() + std::size_t{subspaces_.begin(subspace)} * distance::kCodewords,
                subspaces_.size(subspace)};
    }

    CodeType type() const noexcept override { return CodeType::kPq; }
    std::vector<float> table() const override { return codewords_; }
    std::uint64_t bytes() const noexcept override { return codewords_.size() * sizeof(float); }
    void encode(std::span<const float> vector, std::span<std::uint8_t> code) const override;
    void prepare(Metric metric, std::span<const float> query, QueryTable& table) const override;
    // Asymmetric distance (section III-A).
    void estimate(const QueryTable& table, const Codes& codes, std::span<const std::uint32_t> ids,
                  float* out) const override;

private:
    Subspaces subspaces_;
    std::vector<float> codewords_;
};

}  // namespace trackway::quant
