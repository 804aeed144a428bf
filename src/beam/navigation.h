// The navigation graph: a Vamana graph over a sample of the vertices, in memory, that finds the
// places where a search begins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace trackway::beam {

// Rows as the table on disk has them: place, degree, then `degree` numbers of other rows. Row 0 is
// the entry point. Never owns.
class NavigationView {
public:
    NavigationView() = default;
    NavigationView(std::span<const std::uint32_t> values, std::uint32_t max_degree)
        : values_(values), stride_(max_degree + 2) {}

    bool empty() const noexcept { return values_.empty(); }
    std::uint32_t count() const noexcept {
        return static_cast<std::uint32_t>(values_.size() / stride_);
    }
    std::uint32_t place(std::uint32_t row) const noexcept {
        return values_[std::size_t{row} * stride_];
    }
    std::span<const std::uint32_t> neighbors(std::uint32_t row) const noexcept {
        const std::size_t at = std::size_t{row} * stride_;
        return values_.subspan(at + 2, values_[at + 1]);
    }

private:
    std::span<const std::uint32_t> values_;
    std::size_t stride_ = 1;
};

}  // namespace trackway::beam
