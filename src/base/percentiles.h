// Exact order statistics of a list of measurements.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace trackway::base {

class Percentiles {
public:
    explicit Percentiles(std::vector<std::uint64_t> values) : values_(std::move(values)) {
        std::sort(values_.begin(), values_.end());
    }

    double mean() const noexcept {
        if (values_.empty()) return 0;
        const auto sum =
            std::accumulate(values_.begin(), values_.end(), 0.0,
                            [](double s, std::uint64_t v) { return s + static_cast<double>(v); });
        return sum / static_cast<double>(values_.size());
    }

    // The smallest value that at least this share of the values do not exceed (nearest rank).
    std::uint64_t at(double share) const noexcept {
        if (values_.empty()) return 0;
        // The margin undoes what multiplying by a binary fraction may have added.
        const double rank = std::ceil(share * static_cast<double>(values_.size()) - 1e-9);
        const auto index = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
        return values_[std::min(index, values_.size() - 1)];
    }

private:
    std::vector<std::uint64_t> values_;
};

}  // namespace trackway::base
