// One pass over the file of vectors: every row is checked and hashed, some are kept.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"
#include "trackway/vector_file.h"

#include "base/aligned_buffer.h"
#include "base/arena.h"
#include "base/checksum.h"
#include "build/work_folder.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace trackway::builder {

struct RowSample {
    base::AlignedBuffer bytes;
    ElementType type = ElementType::kFloat32;
    std::uint64_t rows = 0;
    std::uint32_t dimension = 0;

    MatrixView view() const noexcept { return {bytes.data(), type, rows, dimension}; }
};

class VectorPass {
public:
    // Keeps sample_rows rows, one at random of each of as many equal parts of the file.
    VectorPass(const VectorFile& vectors, Metric metric, std::uint64_t sample_rows,
               std::uint64_t seed);

    // kInvalidArgument names the first row that cannot be measured. Unfinished when
    // arena.stopped(). read(done) is told how far it is.
    Status run(const base::Arena& arena, const std::function<void(std::uint64_t)>& read);

    // A hash of all rows.
    StageKey content() const { return content_.digest128(); }
    RowSample take_sample() { return std::move(sample_); }

private:
    void keep(const MatrixView& block, std::uint64_t first);

    const VectorFile& vectors_;
    Metric metric_;
    std::vector<std::uint64_t> wanted_;  // in rising order
    std::size_t next_ = 0;
    RowSample sample_;
    base::Checksum content_;
};

// body(block, number of its first row) -> Status for all rows in order.
Status for_each_block(const VectorFile& vectors,
                      const std::function<Status(const MatrixView&, std::uint64_t)>& body);

}  // namespace trackway::builder
