#include "quant/rotated_quantizer.h"

#include "base/assert.h"
#include "distance/distance.h"
#include "quant/principal_axes.h"

#include <algorithm>
#include <utility>

namespace trackway::quant {
namespace {

using distance::kCodewords;

void rotate_by(std::span<const float> axes, std::span<const float> vector, float* out) {
    const auto dimension = static_cast<std::uint32_t>(vector.size());
    const auto measure = distance::distance_function(Metric::kInnerProduct, ElementType::kFloat32);
    measure(vector.data(),
            {std::as_bytes(axes).data(), dimension * sizeof(float), nullptr, dimension}, dimension,
            out);
    for (std::uint32_t i = 0; i < dimension; ++i)
        out[i] = -out[i];
}

std::vector<float> axes_of(std::span<const float> table, std::uint32_t dimension) {
    std::vector<float> axes;
    for (std::size_t i = 0; i < dimension; ++i) {
        const auto row = table.subspan(i * (kCodewords + dimension) + kCodewords, dimension);
        axes.insert(axes.end(), row.begin(), row.end());
    }
    return axes;
}

std::vector<float> codewords_of(std::span<const float> table, std::uint32_t dimension) {
    std::vector<float> codewords;
    for (std::size_t i = 0; i < dimension; ++i) {
        const auto row = table.subspan(i * (kCodewords + dimension), kCodewords);
        codewords.insert(codewords.end(), row.begin(), row.end());
    }
    return codewords;
}

}  // namespace

RotatedQuantizer::RotatedQuantizer(std::vector<float> axes, ProductQuantizer quantizer)
    : Codec(quantizer.dimension(), quantizer.code_bytes()),
      axes_(std::move(axes)),
      quantizer_(std::move(quantizer)) {}

RotatedQuantizer::RotatedQuantizer(std::uint32_t dimension, std::uint32_t code_bytes,
                                   std::span<const float> table)
    : RotatedQuantizer(axes_of(table, dimension),
                       {dimension, code_bytes, codewords_of(table, dimension)}) {}

RotatedQuantizer RotatedQuantizer::train(std::span<const float> sample, std::uint32_t dimension,
                                         const TrainOptions& options, const base::Arena& arena) {
    std::vector<float> axes =
        balanced_principal_axes(sample, Subspaces(dimension, options.code_bytes));
    std::vector<float> rotated(sample.size());
    arena.parallel_for(
        sample.size() / dimension, 256, [&](std::size_t begin, std::size_t end, auto) {
            for (std::size_t i = begin; i < end; ++i)
                rotate_by(axes, sample.subspan(i * dimension, dimension), &rotated[i * dimension]);
        });
    auto quantizer = ProductQuantizer::train(rotated, dimension, options, arena);
    return {std::move(axes), std::move(quantizer)};
}

void RotatedQuantizer::rotate(std::span<const float> vector, std::span<float> out) const {
    TRACKWAY_ASSERT(vector.size() == dimension() && out.size() == dimension());
    rotate_by(axes_, vector, out.data());
}

std::vector<float> RotatedQuantizer::table() const {
    const std::span<const float> codewords = quantizer_.codewords();
    const std::span<const float> axes = axes_;
    std::vector<float> table;
    for (std::size_t i = 0; i < dimension(); ++i) {
        const auto words = codewords.subspan(i * kCodewords, kCodewords);
        const auto axis = axes.subspan(i * dimension(), dimension());
        table.insert(table.end(), words.begin(), words.end());
        table.insert(table.end(), axis.begin(), axis.end());
    }
    return table;
}

std::uint64_t RotatedQuantizer::bytes() const noexcept {
    return axes_.size() * sizeof(float) + quantizer_.bytes();
}

void RotatedQuantizer::encode(std::span<const float> vector, std::span<std::uint8_t> code) const {
    std::vector<float> rotated(dimension());
    rotate(vector, rotated);
    quantizer_.encode(rotated, code);
}

void RotatedQuantizer::prepare(Metric metric, std::span<const float> query,
                               QueryTable& table) const {
    table.rotated.resize(dimension());
    rotate(query, table.rotated);
    quantizer_.prepare(metric, table.rotated, table);
}

void RotatedQuantizer::estimate(const QueryTable& table, const Codes& codes,
                                std::span<const std::uint32_t> ids, float* out) const {
    quantizer_.estimate(table, codes, ids, out);
}

}  // namespace trackway::quant
