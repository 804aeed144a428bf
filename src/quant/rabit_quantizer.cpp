#include "quant/rabit_quantizer.h"

#include "base/assert.h"
#include "base/random.h"
#include "distance/distance.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace trackway::quant {
namespace {

// A code begins with these two floats.
struct Factors {
    float squared_norm;  // of the residual
    float per_dot;       // what the inner product with the grid point is multiplied by
};

// The bits of a number are packed in fields of 4, 2 and 1 bits: high bits first.
struct Field {
    std::uint32_t bits = 0;
    std::uint32_t shift = 0;  // of the field in the number
};
struct Fields {
    std::array<Field, 2> all{};
    std::uint32_t count = 0;
};

constexpr Fields fields_of(std::uint32_t bits) noexcept {
    Fields fields;
    std::uint32_t left = bits;
    for (const std::uint32_t width : {4U, 2U, 1U}) {
        if (left < width) continue;
        left -= width;
        fields.all[fields.count++] = {width, left};
    }
    return fields;
}

constexpr std::uint32_t field_bytes(std::uint32_t dimension, std::uint32_t bits) noexcept {
    return (dimension * bits + 7) / 8;
}

constexpr std::uint32_t code_bytes_of(std::uint32_t dimension, std::uint32_t bits) noexcept {
    std::uint32_t bytes = sizeof(Factors);
    const Fields fields = fields_of(bits);
    for (std::uint32_t f = 0; f < fields.count; ++f)
        bytes += field_bytes(dimension, fields.all[f].bits);
    return bytes;
}

// Packed numbers are a stride apart: the query has room for the last part.
constexpr std::size_t padded(std::uint32_t dimension) noexcept {
    return std::size_t{dimension} + 8;
}

// With this, products with 4 bits of 16384 dimensions stay within 32 bits.
constexpr float kNumberMax = 4095;

// What is shorter counts as nothing: its inverse would overflow.
constexpr float kLengthLeast = 1e-30F;

// In place, orthonormal; the size is a power of two.
void hadamard(std::span<float> values) {
    for (std::size_t half = 1; half < values.size(); half *= 2) {
        for (std::size_t i = 0; i < values.size(); i += 2 * half) {
            for (std::size_t j = i; j < i + half; ++j) {
                const float a = values[j];
                const float b = values[j + half];
                values[j] = a + b;
                values[j + half] = a - b;
            }
        }
    }
    const float scale = 1 / std::sqrt(static_cast<float>(values.size()));
    for (float& value : values)
        value *= scale;
}

// The point of the grid of steps `step` that is nearest to the residual: whole numbers, and the
// residual's inner product with the point and the point's squared length, in steps.
struct GridPoint {
    double dot = 0;
    double squared_norm = 0;

    double cosine() const noexcept { return squared_norm > 0 ? dot / std::sqrt(squared_norm) : 0; }
};

GridPoint round_to_grid(std::span<const float> residual, float step, std::uint32_t bits,
                        std::span<std::uint8_t> numbers) {
    const float middle = static_cast<float>(1U << (bits - 1));
    const float most = static_cast<float>((1U << bits) - 1);
    GridPoint point;
    for (std::size_t i = 0; i < residual.size(); ++i) {
        const float number = std::clamp(std::floor(residual[i] / step + middle), 0.0F, most);
        const double value = double{number} + 0.5 - double{middle};
        numbers[i] = static_cast<std::uint8_t>(number);
        point.dot += value * double{residual[i]};
        point.squared_norm += value * value;
    }
    return point;
}

}  // namespace

std::uint32_t RabitQuantizer::bits_within(std::uint32_t dimension,
                                          std::uint32_t code_bytes) noexcept {
    for (std::uint32_t bits = kBitsMax; bits > 0; --bits) {
        if (code_bytes_of(dimension, bits) <= code_bytes) return bits;
    }
    return 0;
}

std::uint32_t RabitQuantizer::bits_of(std::uint32_t dimension, std::uint32_t code_bytes) noexcept {
    const std::uint32_t bits = bits_within(dimension, code_bytes);
    return bits > 0 && code_bytes_of(dimension, bits) == code_bytes ? bits : 0;
}

bool RabitQuantizer::has_signs(std::span<const float> table) noexcept {
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (i % kTableWidth != 0 && std::abs(table[i]) != 1) return false;
    }
    return true;
}

RabitQuantizer::RabitQuantizer(std::uint32_t dimension, std::uint32_t code_bytes,
                               std::span<const float> table)
    : Codec(dimension, code_bytes),
      bits_(bits_of(dimension, code_bytes)),
      centroid_(dimension),
      signs_(std::size_t{kRounds} * dimension) {
    TRACKWAY_ASSERT(bits_ > 0);
    TRACKWAY_ASSERT(table.size() == std::size_t{dimension} * kTableWidth);
    for (std::size_t i = 0; i < dimension; ++i) {
        centroid_[i] = table[i * kTableWidth];
        for (std::size_t round = 0; round < kRounds; ++round)
            signs_[round * dimension + i] = table[i * kTableWidth + 1 + round];
    }
}

RabitQuantizer RabitQuantizer::train(std::span<const float> sample, std::uint32_t dimension,
                                     const TrainOptions& options) {
    const std::uint32_t bits = bits_within(dimension, options.code_bytes);
    TRACKWAY_ASSERT(bits > 0);
    std::vector<double> sums(dimension);
    for (std::size_t i = 0; i < sample.size(); ++i)
        sums[i % dimension] += double{sample[i]};
    const double rows = static_cast<double>(sample.size()) / dimension;
    base::Random random(options.seed);
    std::vector<float> table;
    for (std::uint32_t i = 0; i < dimension; ++i) {
        table.push_back(static_cast<float>(sums[i] / rows));
        for (std::uint32_t round = 0; round < kRounds; ++round)
            table.push_back(random.below(2) == 0 ? -1.0F : 1.0F);
    }
    return {dimension, code_bytes_of(dimension, bits), table};
}

std::vector<float> RabitQuantizer::table() const {
    std::vector<float> table;
    for (std::size_t i = 0; i < dimension(); ++i) {
        table.push_back(centroid_[i]);
        for (std::size_t round = 0; round < kRounds; ++round)
            table.push_back(signs_[round * dimension() + i]);
    }
    return table;
}

std::uint64_t RabitQuantizer::bytes() const noexcept {
    return (centroid_.size() + signs_.size()) * sizeof(float);
}

// Signs and a Hadamard transform in turn, of the first and of the last 2^n dimensions, so that any
// dimension will do and everything is mixed.
void RabitQuantizer::rotate(std::span<float> vector) const {
    const std::size_t size = std::bit_floor(vector.size());
    for (std::size_t round = 0; round < kRounds; ++round) {
        for (std::size_t i = 0; i < vector.size(); ++i)
            vector[i] *= signs_[round * vector.size() + i];
        hadamard(round % 2 == 0 ? vector.first(size) : vector.last(size));
    }
}

// The step is the one, of a few, whose grid point has the largest cosine with the residual.
void RabitQuantizer::encode(std::span<const float> vector, std::span<std::uint8_t> code) const {
    TRACKWAY_ASSERT(vector.size() == dimension() && code.size() == code_bytes());
    std::vector<float> residual(vector.begin(), vector.end());
    double squared_norm = 0;
    for (std::size_t i = 0; i < residual.size(); ++i) {
        residual[i] -= centroid_[i];
        squared_norm += double{residual[i]} * double{residual[i]};
    }
    rotate(residual);
    float largest = 0;
    for (const float value : residual)
        largest = std::max(largest, std::abs(value));
    std::fill(code.begin(), code.end(), std::uint8_t{0});
    if (largest < kLengthLeast) return;
    constexpr int kSteps = 16;
    std::vector<std::uint8_t> numbers(residual.size());
    std::vector<std::uint8_t> best_numbers(residual.size());
    GridPoint best;
    for (int i = 0; i < (bits_ == 1 ? 1 : kSteps); ++i) {
        const float share = 1.05F - 0.05F * static_cast<float>(i);
        const float step = largest / static_cast<float>(1U << (bits_ - 1)) * share;
        const GridPoint point = round_to_grid(residual, step, bits_, numbers);
        if (i > 0 && point.cosine() <= best.cosine()) continue;
        best = point;
        best_numbers.swap(numbers);
    }
    const Factors factors{static_cast<float>(squared_norm),
                          static_cast<float>(squared_norm / best.dot)};
    std::memcpy(code.data(), &factors, sizeof factors);
    std::uint8_t* bytes = code.data() + sizeof factors;
    const Fields fields = fields_of(bits_);
    for (std::uint32_t f = 0; f < fields.count; ++f) {
        const Field field = fields.all[f];
        const std::uint32_t count = field_bytes(dimension(), field.bits);
        for (std::uint32_t i = 0; i < dimension(); ++i) {
            const std::uint32_t part = best_numbers[i] >> field.shift & ((1U << field.bits) - 1);
            bytes[i % count] |= static_cast<std::uint8_t>(part << (i / count * field.bits));
        }
        bytes += count;
    }
}

void RabitQuantizer::prepare(Metric metric, std::span<const float> query, QueryTable& table) const {
    TRACKWAY_ASSERT(query.size() == dimension());
    table.metric = metric;
    table.rotated.assign(query.begin(), query.end());
    table.offset = metric == Metric::kCosine ? 1.0F : 0.0F;
    for (std::size_t i = 0; i < query.size(); ++i) {
        if (metric == Metric::kL2) {
            table.rotated[i] -= centroid_[i];
            table.offset += table.rotated[i] * table.rotated[i];
        } else {
            table.offset -= query[i] * centroid_[i];
        }
    }
    rotate(table.rotated);
    float largest = 0;
    for (const float value : table.rotated)
        largest = std::max(largest, std::abs(value));
    table.numbers.assign(padded(dimension()), 0);
    const float per_step = largest > kLengthLeast ? kNumberMax / largest : 0;
    float sum = 0;
    for (std::size_t i = 0; i < query.size(); ++i) {
        const float number = std::nearbyint(table.rotated[i] * per_step);
        table.numbers[i] = static_cast<std::int16_t>(number);
        sum += number;
    }
    table.step = (metric == Metric::kL2 ? 2.0F : 1.0F) * largest / kNumberMax;
    table.bias = (0.5F - static_cast<float>(1U << (bits_ - 1))) * sum;
}

float RabitQuantizer::estimate_one(const QueryTable& table,
                                   const std::uint8_t* code) const noexcept {
    Factors factors{};
    std::memcpy(&factors, code, sizeof factors);
    const distance::PackedDotFn packed_dot = distance::kernels().packed_dot;
    const std::uint8_t* bytes = code + sizeof factors;
    float dot = table.bias;
    const Fields fields = fields_of(bits_);
    for (std::uint32_t f = 0; f < fields.count; ++f) {
        const Field field = fields.all[f];
        const std::uint32_t count = field_bytes(dimension(), field.bits);
        const std::int32_t part = packed_dot({bytes, count, field.bits}, table.numbers.data());
        dot += static_cast<float>(1U << field.shift) * static_cast<float>(part);
        bytes += count;
    }
    const float square = table.metric == Metric::kL2 ? factors.squared_norm : 0;
    return table.offset + square - factors.per_dot * table.step * dot;
}

void RabitQuantizer::estimate(const QueryTable& table, const Codes& codes,
                              std::span<const std::uint32_t> ids, float* out) const {
    for (std::size_t i = 0; i < ids.size(); ++i)
        out[i] = estimate_one(table, codes.row(ids[i]));
}

}  // namespace trackway::quant
