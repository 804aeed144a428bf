// Which cluster a synthetic row is drawn from, its topic, and how popularity drifts.
#pragma once

#include "base/random.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace trackway::tools {

// Either all topics are equally likely, or the likelihood falls with the place in a ranking by
// Zipf's law: people ask for few things often.
class Topics {
public:
    explicit Topics(std::uint32_t clusters) : clusters_(clusters) {}

    // The topic in place r of a seeded random ranking is as likely as 1 / r^exponent; an exponent
    // of 0 leaves all equally likely.
    Topics(std::uint32_t clusters, double exponent, std::uint64_t seed);

    // One step on: this share of the topics, at least two, exchange their places; each of them
    // gets another one.
    Topics drifted(double share, base::Random& random) const;

    std::size_t draw(base::Random& random) const;

private:
    std::uint32_t clusters_;
    std::vector<std::uint32_t> ranking_;
    std::vector<double> cumulative_;  // by place; empty when all topics are equally likely
};

}  // namespace trackway::tools
