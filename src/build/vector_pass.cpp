#include "build/vector_pass.h"

#include "base/errors.h"
#include "base/random.h"
#include "distance/row_floats.h"

#include <algorithm>
#include <cstring>

namespace trackway::builder {
namespace {

constexpr std::uint64_t kRowsMax = 1U << 15U;
constexpr std::uint64_t kReadBytes = std::uint64_t{4} << 20U;

}  // namespace

Status for_each_block(const VectorFile& vectors,
                      const std::function<Status(const MatrixView&, std::uint64_t)>& body) {
    const std::uint64_t rows = vectors.row_count();
    const std::uint64_t step =
        std::clamp<std::uint64_t>(kReadBytes / vectors.row_bytes(), 1, kRowsMax);
    base::AlignedBuffer buffer(std::min(step, rows) * vectors.row_bytes());
    for (std::uint64_t first = 0; first < rows; first += step) {
        const std::uint64_t count = std::min(step, rows - first);
        TRACKWAY_TRY(vectors.read(first, buffer.span().first(count * vectors.row_bytes())));
        TRACKWAY_TRY(
            body({buffer.data(), vectors.element_type(), count, vectors.dimension()}, first));
    }
    return {};
}

VectorPass::VectorPass(const VectorFile& vectors, Metric metric, std::uint64_t sample_rows,
                       std::uint64_t seed)
    : vectors_(vectors),
      metric_(metric),
      sample_{.bytes = base::AlignedBuffer(sample_rows * vectors.row_bytes()),
              .type = vectors.element_type(),
              .rows = sample_rows,
              .dimension = vectors.dimension()} {
    base::Random random(seed);
    const std::uint64_t rows = vectors.row_count();
    for (std::uint64_t i = 0; i < sample_rows; ++i) {
        const std::uint64_t begin = i * rows / sample_rows;
        const std::uint64_t end = (i + 1) * rows / sample_rows;
        wanted_.push_back(begin + random.below(end - begin));
    }
}

Status VectorPass::run(const base::Arena& arena, const std::function<void(std::uint64_t)>& read) {
    return for_each_block(vectors_, [&](const MatrixView& block, std::uint64_t first) -> Status {
        if (arena.stopped()) return base::cancelled();
        content_.update({block.data, block.row_count * block.row_bytes()});
        const distance::UnfitLength unfit = distance::first_unfit_length(block, metric_);
        if (unfit.row < block.row_count) {
            return base::fail(ErrorCode::kInvalidArgument,
                              base::join(vectors_.path().string(), ": row ", first + unfit.row,
                                         ": ", unfit.what));
        }
        keep(block, first);
        read(first + block.row_count);
        return {};
    });
}

void VectorPass::keep(const MatrixView& block, std::uint64_t first) {
    const std::size_t row_bytes = block.row_bytes();
    for (; next_ < wanted_.size() && wanted_[next_] < first + block.row_count; ++next_) {
        std::memcpy(sample_.bytes.data() + next_ * row_bytes, block.row(wanted_[next_] - first),
                    row_bytes);
    }
}

}  // namespace trackway::builder
