// Which rows of a synthetic data set are copies of earlier ones.
#pragma once

#include "base/random.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace trackway::tools {

// Decides row by row, seeded, and in the end exactly as often as asked, as far as the first row,
// which can copy nothing, allows. Rows are known by the state of the stream that they were drawn
// from: who draws from it again gets the same row.
class RowCopies {
public:
    struct Copy {
        base::Random source;
        bool is_exact;
    };

    // Shares of all rows, 0 to 1 together.
    RowCopies(std::uint64_t rows, double exact_share, double near_share, std::uint64_t seed);

    // REQUIRES: called once for each row, in order.
    std::optional<Copy> next(const base::Random& row);

    // What near copies differ by.
    base::Random& noise() noexcept { return random_; }

private:
    void remember(const base::Random& row);

    std::uint64_t rows_left_;
    std::uint64_t exact_left_;
    std::uint64_t near_left_;
    base::Random random_;
    std::uint64_t originals_ = 0;
    std::vector<base::Random> remembered_;  // of the originals so far, a sample of bounded size
};

}  // namespace trackway::tools
