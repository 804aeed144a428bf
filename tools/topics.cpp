#include "topics.h"

#include "base/assert.h"

#include <algorithm>
#include <cmath>

namespace trackway::tools {

Topics::Topics(std::uint32_t clusters, double exponent, std::uint64_t seed) : clusters_(clusters) {
    if (exponent == 0) return;
    base::Random random(seed);
    ranking_ = base::random_permutation(clusters, random);
    cumulative_.reserve(clusters);
    double sum = 0;
    for (std::uint64_t place = 1; place <= clusters; ++place) {
        sum += std::pow(static_cast<double>(place), -exponent);
        cumulative_.push_back(sum);
    }
}

Topics Topics::drifted(double share, base::Random& random) const {
    Topics next = *this;
    if (ranking_.size() < 2) return next;
    const double wanted = std::round(share * static_cast<double>(clusters_));
    const auto moved =
        static_cast<std::size_t>(std::clamp(wanted, 2.0, static_cast<double>(clusters_)));
    const std::vector<std::uint32_t> places = base::random_permutation(clusters_, random);
    for (std::size_t i = 0; i < moved; ++i)
        next.ranking_[places[i]] = ranking_[places[(i + 1) % moved]];
    return next;
}

std::size_t Topics::draw(base::Random& random) const {
    if (cumulative_.empty()) return random.below(clusters_);
    // Below the last sum even when the product is rounded, since uniform() < 1.
    const double value = random.uniform() * cumulative_.back();
    const auto found = std::upper_bound(cumulative_.begin(), cumulative_.end(), value);
    TRACKWAY_ASSERT(found != cumulative_.end());
    return ranking_[static_cast<std::size_t>(found - cumulative_.begin())];
}

}  // namespace trackway::tools
