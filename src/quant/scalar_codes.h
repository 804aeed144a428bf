// Codes of single elements: what an index searches in when vectors are not stored as given.
#pragma once

#include "trackway/types.h"

#include "base/aligned_buffer.h"
#include "base/arena.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace trackway::quant {

// float16 is the element less the offset, rounded; an offset only under L2. sq8 is
// (element - offset) / step, rounded: uint8 under L2; int8 with offset 0 under inner product and
// cosine, where rows are scaled to unit length first.
struct ScalarCode {
    VectorEncoding encoding = VectorEncoding::kAsGiven;
    Metric metric = Metric::kL2;
    ElementType given = ElementType::kFloat32;
    float offset = 0;
    float step = 1;

    ElementType stored() const noexcept { return stored_type(encoding, metric, given); }
};

// Offset and step such that the range of the rows fills that of the code; that of all but a few
// elements where those would take most of it. Step 1, without loss, where all elements are whole
// numbers that fit. Under float16 an offset where the numbers lie far from 0. Unfinished when
// arena.stopped(). REQUIRES: can_encode(); rows are finite.
ScalarCode fit_code(const MatrixView& rows, VectorEncoding encoding, Metric metric,
                    const base::Arena& arena);

// The first row with an element that float16 does not hold; the row count when the code has all.
std::uint64_t first_row_beyond(const MatrixView& rows, const ScalarCode& code);

// The codes of all rows, as a matrix of code.stored(). Elements that the code does not hold become
// the nearest that it does. Unfinished when arena.stopped(). REQUIRES: not kAsGiven.
base::AlignedBuffer encode_matrix(const MatrixView& rows, const ScalarCode& code,
                                  const base::Arena& arena);

// The same for one query, which under inner product has a step of its own: its length does not
// change which rows are nearest. Returns by what a distance of codes must be multiplied to be one
// of the numbers that they stand for.
// values: working memory, one for each dimension.
float encode_query(const std::byte* query, const ScalarCode& code, std::span<float> values,
                   std::byte* out);

}  // namespace trackway::quant
