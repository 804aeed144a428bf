// RaBitQ (Gao and Long 2024; with several bits a dimension Gao et al. 2025): a vector's direction
// from the centroid, randomly rotated, is rounded to the nearest point of a grid of 2^bits values a
// dimension. Two floats more make the estimate of an inner product unbiased.
#pragma once

#include "quant/codec.h"

#include <cstdint>
#include <span>
#include <vector>

namespace trackway::quant {

class RabitQuantizer final : public Codec {
public:
    static constexpr std::uint32_t kBitsMax = 5;
    static constexpr std::uint32_t kRounds = 4;
    static constexpr std::uint32_t kTableWidth = 1 + kRounds;  // centroid, signs of each round

    // The most bits a dimension whose codes fit code_bytes, at most kBitsMax; 0 when none does.
    static std::uint32_t bits_within(std::uint32_t dimension, std::uint32_t code_bytes) noexcept;
    // The bits a dimension of codes of exactly this size; 0 when there are none.
    static std::uint32_t bits_of(std::uint32_t dimension, std::uint32_t code_bytes) noexcept;

    // Whether all that should be 1 or -1 in such a table is.
    static bool has_signs(std::span<const float> table) noexcept;

    // REQUIRES: bits_of() > 0, has_signs(), table.size() == dimension * kTableWidth.
    RabitQuantizer(std::uint32_t dimension, std::uint32_t code_bytes, std::span<const float> table);

    // The centroid is the sample's mean, signs are random. REQUIRES: bits_within() > 0.
    static RabitQuantizer train(std::span<const float> sample, std::uint32_t dimension,
                                const TrainOptions& options);

    std::uint32_t bits() const noexcept { return bits_; }

    CodeType type() const noexcept override { return CodeType::kRabitq; }
    std::vector<float> table() const override;
    std::uint64_t bytes() const noexcept override;
    void encode(std::span<const float> vector, std::span<std::uint8_t> code) const override;
    void prepare(Metric metric, std::span<const float> query, QueryTable& table) const override;
    void estimate(const QueryTable& table, const Codes& codes, std::span<const std::uint32_t> ids,
                  float* out) const override;

private:
    void rotate(std::span<float> vector) const;
    float estimate_one(const QueryTable& table, const std::uint8_t* code) const noexcept;

    std::uint32_t bits_;
    std::vector<float> centroid_;
    std::vector<float> signs_;  // kRounds x dimension
};

}  // namespace trackway::quant
