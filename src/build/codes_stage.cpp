#include "build/codes_stage.h"

#include "base/random.h"
#include "distance/row_floats.h"

#include <algorithm>
#include <span>

namespace trackway::builder {
namespace {

constexpr std::uint64_t kSampleRows = 1U << 16U;
constexpr std::size_t kBlock = 1024;

std::span<float> row_of(std::vector<float>& rows, std::size_t i, std::uint32_t dimension) {
    return std::span(rows).subspan(i * dimension, dimension);
}

}  // namespace

std::uint64_t training_bytes(std::uint64_t rows, std::uint32_t dimension,
                             std::uint32_t code_bytes) noexcept {
    const std::uint64_t sample = std::min(rows, kSampleRows) * dimension * sizeof(float);
    return sample + sample / code_bytes * 2 + rows * sizeof(std::uint32_t);
}

quant::ProductQuantizer train_quantizer(const MatrixView& vectors, const CodesOptions& options,
                                        const base::Arena& arena) {
    base::Random random(options.seed);
    auto rows = base::random_permutation(static_cast<std::uint32_t>(vectors.row_count), random);
    rows.resize(std::min<std::size_t>(rows.size(), kSampleRows));
    std::sort(rows.begin(), rows.end());  // read in the order in which they lie
    std::vector<float> sample(rows.size() * vectors.dimension);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        distance::row_floats(vectors.row(rows[i]), vectors.element_type, options.metric,
                             row_of(sample, i, vectors.dimension));
    }
    return quant::ProductQuantizer::train(
        sample, vectors.dimension, {.code_bytes = options.code_bytes, .seed = options.seed}, arena);
}

std::vector<std::uint8_t> encode_rows(const MatrixView& vectors, Metric metric,
                                      const quant::ProductQuantizer& quantizer,
                                      const base::Arena& arena) {
    const std::size_t code_bytes = quantizer.code_bytes();
    std::vector<std::uint8_t> codes(vectors.row_count * code_bytes, 0);
    arena.parallel_for(vectors.row_count, kBlock, [&](std::size_t begin, std::size_t end, auto) {
        std::vector<float> row(vectors.dimension);
        for (std::size_t i = begin; i < end; ++i) {
            distance::row_floats(vectors.row(i), vectors.element_type, metric, row);
            quantizer.encode(row, std::span(codes).subspan(i * code_bytes, code_bytes));
        }
    });
    return codes;
}

}  // namespace trackway::builder
