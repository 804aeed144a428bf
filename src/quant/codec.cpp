#include "quant/codec.h"

#include "base/assert.h"
#include "base/errors.h"
#include "quant/product_quantizer.h"
#include "quant/rabit_quantizer.h"
#include "quant/rotated_quantizer.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace trackway::quant {

bool has_codec(CodeType type, std::uint32_t dimension, std::uint32_t code_bytes) noexcept {
    if (type == CodeType::kRabitq) return RabitQuantizer::bits_within(dimension, code_bytes) > 0;
    return code_bytes > 0 && code_bytes <= dimension;
}

std::unique_ptr<Codec> train_codec(CodeType type, std::span<const float> sample,
                                   std::uint32_t dimension, const TrainOptions& options,
                                   const base::Arena& arena) {
    TRACKWAY_ASSERT(has_codec(type, dimension, options.code_bytes));
    switch (type) {
        case CodeType::kPq:
            return std::make_unique<ProductQuantizer>(
                ProductQuantizer::train(sample, dimension, options, arena));
        case CodeType::kOpq:
            return std::make_unique<RotatedQuantizer>(
                RotatedQuantizer::train(sample, dimension, options, arena));
        case CodeType::kRabitq:
            return std::make_unique<RabitQuantizer>(
                RabitQuantizer::train(sample, dimension, options));
    }
    TRACKWAY_ASSERT(false);
    return nullptr;
}

std::uint32_t codec_table_width(CodeType type, std::uint32_t dimension) noexcept {
    if (type == CodeType::kPq) return distance::kCodewords;
    if (type == CodeType::kOpq) return distance::kCodewords + dimension;
    return RabitQuantizer::kTableWidth;
}

Result<std::unique_ptr<Codec>> make_codec(CodeType type, std::uint32_t dimension,
                                          std::uint32_t code_bytes, std::vector<float> table) {
    TRACKWAY_ASSERT(table.size() == std::size_t{dimension} * codec_table_width(type, dimension));
    const bool exists = type == CodeType::kRabitq
                            ? RabitQuantizer::bits_of(dimension, code_bytes) > 0
                            : has_codec(type, dimension, code_bytes);
    if (!exists) {
        return base::fail(ErrorCode::kInvalidArgument,
                          base::join("code bytes: expected a size that ", name_of(type),
                                     " has for dimension ", dimension, ", found ", code_bytes));
    }
    if (!std::all_of(table.begin(), table.end(),
                     [](float value) { return std::isfinite(value); })) {
        return base::fail(ErrorCode::kInvalidArgument, "expected finite numbers, found others");
    }
    if (type == CodeType::kRabitq && !RabitQuantizer::has_signs(table)) {
        return base::fail(ErrorCode::kInvalidArgument, "expected signs of 1 and -1, found others");
    }
    switch (type) {
        case CodeType::kPq:
            return std::make_unique<ProductQuantizer>(dimension, code_bytes, std::move(table));
        case CodeType::kOpq:
            return std::make_unique<RotatedQuantizer>(dimension, code_bytes, table);
        case CodeType::kRabitq:
            return std::make_unique<RabitQuantizer>(dimension, code_bytes, table);
    }
    TRACKWAY_ASSERT(false);
    return nullptr;
}

}  // namespace trackway::quant
