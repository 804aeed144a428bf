#include "row_copies.h"

#include <algorithm>
#include <cmath>

namespace trackway::tools {
namespace {

constexpr std::uint64_t kRememberedMax = 65536;

std::uint64_t share_of(std::uint64_t rows, double share) {
    return static_cast<std::uint64_t>(std::llround(share * static_cast<double>(rows)));
}

}  // namespace

RowCopies::RowCopies(std::uint64_t rows, double exact_share, double near_share, std::uint64_t seed)
    : rows_left_(rows),
      exact_left_(std::min(share_of(rows, exact_share), rows - 1)),
      near_left_(std::min(share_of(rows, near_share), rows - 1 - exact_left_)),
      random_(seed) {}

std::optional<RowCopies::Copy> RowCopies::next(const base::Random& row) {
    const std::uint64_t copies_left = exact_left_ + near_left_;
    // Each choice of copies among the rows after the first is equally likely.
    const bool is_copy = originals_ > 0 && random_.below(rows_left_) < copies_left;
    --rows_left_;
    if (!is_copy) {
        remember(row);
        return std::nullopt;
    }
    const bool is_exact = random_.below(copies_left) < exact_left_;
    --(is_exact ? exact_left_ : near_left_);
    return Copy{remembered_[random_.below(remembered_.size())], is_exact};
}

void RowCopies::remember(const base::Random& row) {
    ++originals_;
    if (remembered_.size() < kRememberedMax) {
        remembered_.push_back(row);
        return;
    }
    const std::uint64_t place = random_.below(originals_);
    if (place < kRememberedMax) remembered_[place] = row;
}

}  // namespace trackway::tools
