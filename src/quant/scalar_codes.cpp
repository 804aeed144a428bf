#include "quant/scalar_codes.h"

#include "base/assert.h"
#include "base/float16.h"
#include "distance/row_floats.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

namespace trackway::quant {
namespace {

constexpr std::size_t kBlock = 1024;
constexpr float kFloat16Max = 65504;
constexpr double kUint8Max = 255;
constexpr double kInt8Max = 127;

// Of all elements.
struct Range {
    float least = std::numeric_limits<float>::infinity();
    float most = -std::numeric_limits<float>::infinity();
    bool whole = true;

    void add(std::span<const float> values) noexcept {
        for (const float value : values) {
            least = std::min(least, value);
            most = std::max(most, value);
            whole = whole && std::trunc(value) == value;
        }
    }
    void add(const Range& other) noexcept {
        least = std::min(least, other.least);
        most = std::max(most, other.most);
        whole = whole && other.whole;
    }
};

// The numbers that the code is made of.
void elements_of(const std::byte* row, const ScalarCode& code, std::span<float> out) {
    const bool scaled = code.encoding == VectorEncoding::kSq8;
    distance::row_floats(row, code.given, scaled ? code.metric : Metric::kL2, out);
}

// Elements that do not differ, or by next to nothing, leave no step.
float step_of(double extent, double levels) noexcept {
    const auto step = static_cast<float>(extent / levels);
    return step > 0 ? step : 1;
}

double largest(std::span<const float> values) noexcept {
    double most = 0;
    for (const float value : values)
        most = std::max(most, std::abs(double{value}));
    return most;
}

void put(std::span<const float> values, const ScalarCode& code, std::byte* out) noexcept {
    const bool is_float16 = code.encoding == VectorEncoding::kFloat16;
    const bool is_signed = code.stored() == ElementType::kInt8;
    const double least = is_signed ? -kInt8Max : 0;
    const double most = is_signed ? kInt8Max : kUint8Max;
    for (const float value : values) {
        if (is_float16) {
            const base::Float16 half =
                base::to_float16(std::clamp(value - code.offset, -kFloat16Max, kFloat16Max));
            std::memcpy(out, &half, sizeof half);
            out += sizeof half;
        } else {
            const double level = (double{value} - double{code.offset}) / double{code.step};
            const auto number = static_cast<int>(std::round(std::clamp(level, least, most)));
            *out++ = static_cast<std::byte>(number & 0xff);
        }
    }
}

// Differences do not depend on where the numbers lie, but the digits that float16 has left do:
// where their middle is farther from 0 than they are from it, they are moved there.
float float16_offset(const Range& range) {
    const float middle = range.least / 2 + range.most / 2;
    const float extent = range.most - range.least;
    return std::isfinite(extent) && std::abs(middle) > extent ? middle : 0;
}

// What all but a few elements lie within, from a sample: one element in 2,000 at either end is left
// out, and a quarter of the extent added again.
Range usual_range(const MatrixView& rows, const ScalarCode& code) {
    constexpr std::uint64_t kSample = 2048;  // rows
    constexpr std::size_t kLeftOut = 2000;
    const std::uint64_t count = std::min(rows.row_count, kSample);
    std::vector<float> all;
    std::vector<float> values(rows.dimension);
    for (std::uint64_t i = 0; i < count; ++i) {
        elements_of(rows.row(i * rows.row_count / count), code, values);
        all.insert(all.end(), values.begin(), values.end());
    }
    const auto out = static_cast<std::ptrdiff_t>(all.size() / kLeftOut);
    std::nth_element(all.begin(), all.begin() + out, all.end());
    const float least = all[static_cast<std::size_t>(out)];
    std::nth_element(all.begin(), all.end() - 1 - out, all.end());
    const float most = *(all.end() - 1 - out);
    const float more = (most - least) / 8;
    return {.least = least - more, .most = most + more, .whole = false};
}

// The range that the code covers. Where a few elements would take most of it they become its ends:
// their rows are right only by their exact vectors.
Range covered_range(const MatrixView& rows, const ScalarCode& code, const Range& all) {
    constexpr float kWorthLosing = 3;
    const Range usual = usual_range(rows, code);
    if (!(usual.most > usual.least)) return all;
    const float extent = all.most - all.least;
    return extent > kWorthLosing * (usual.most - usual.least) ? usual : all;
}

}  // namespace

ScalarCode fit_code(const MatrixView& rows, VectorEncoding encoding, Metric metric,
                    const base::Arena& arena) {
    TRACKWAY_ASSERT(can_encode(encoding, rows.element_type));
    ScalarCode code{.encoding = encoding, .metric = metric, .given = rows.element_type};
    if (encoding == VectorEncoding::kFloat16 && metric != Metric::kL2) return code;
    std::vector<Range> ranges((rows.row_count + kBlock - 1) / kBlock);
    arena.parallel_for(rows.row_count, kBlock, [&](std::size_t begin, std::size_t end, auto) {
        std::vector<float> values(rows.dimension);
        for (std::size_t i = begin; i < end; ++i) {
            elements_of(rows.row(i), code, values);
            ranges[begin / kBlock].add(values);
        }
    });
    Range range;
    for (const Range& block : ranges)
        range.add(block);
    if (encoding == VectorEncoding::kFloat16) {
        code.offset = float16_offset(range);
        return code;
    }
    if (!range.whole) range = covered_range(rows, code, range);
    const double extent = metric == Metric::kL2
                              ? double{range.most} - double{range.least}
                              : std::max(std::abs(double{range.least}), double{range.most});
    const double levels = metric == Metric::kL2 ? kUint8Max : kInt8Max;
    if (metric == Metric::kL2) code.offset = range.least + 0.0F;  // no minus zero
    code.step = range.whole && extent <= levels ? 1 : step_of(extent, levels);
    return code;
}

std::uint64_t first_row_beyond(const MatrixView& rows, const ScalarCode& code) {
    if (code.encoding != VectorEncoding::kFloat16) return rows.row_count;
    std::vector<float> values(rows.dimension);
    for (std::uint64_t i = 0; i < rows.row_count; ++i) {
        elements_of(rows.row(i), code, values);
        const bool held = std::all_of(values.begin(), values.end(), [&](float value) {
            return base::is_finite(base::to_float16(value - code.offset));
        });
        if (!held) return i;
    }
    return rows.row_count;
}

base::AlignedBuffer encode_matrix(const MatrixView& rows, const ScalarCode& code,
                                  const base::Arena& arena) {
    TRACKWAY_ASSERT(code.encoding != VectorEncoding::kAsGiven);
    const std::size_t row_bytes = rows.dimension * element_size_bytes(code.stored());
    base::AlignedBuffer bytes(rows.row_count * row_bytes);
    arena.parallel_for(rows.row_count, kBlock, [&](std::size_t begin, std::size_t end, auto) {
        std::vector<float> values(rows.dimension);
        for (std::size_t i = begin; i < end; ++i) {
            elements_of(rows.row(i), code, values);
            put(values, code, bytes.data() + i * row_bytes);
        }
    });
    return bytes;
}

float encode_query(const std::byte* query, const ScalarCode& code, std::span<float> values,
                   std::byte* out) {
    TRACKWAY_ASSERT(code.encoding != VectorEncoding::kAsGiven);
    elements_of(query, code, values);
    ScalarCode own = code;
    if (code.encoding == VectorEncoding::kSq8 && code.metric == Metric::kInnerProduct)
        own.step = step_of(largest(values), kInt8Max);
    put(values, own, out);
    return code.metric == Metric::kCosine ? 1 : code.step * own.step;
}

}  // namespace trackway::quant
