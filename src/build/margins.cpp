#include "build/margins.h"

#include <iterator>

namespace trackway::builder {

std::pair<std::size_t, std::size_t> useful_range(std::span<const TrialOutcome> found) {
    std::size_t first = 0;
    while (first + 1 < found.size() && found[first + 1].recall < kRecallLeast)
        ++first;
    std::size_t last = first;
    while (last + 1 < found.size() && found[last].recall < kRecallMost)
        ++last;
    return {first, last};
}

std::vector<float> all_margins() {
    std::vector<float> margins(std::begin(kMargins), std::end(kMargins));
    margins.push_back(layouts::kMarginMost);
    return margins;
}

}  // namespace trackway::builder
