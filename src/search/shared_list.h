// The search lists of one query's probes, counted as one list of the same size: what would have no
// place in it is not worth a read in any shard. So shards that hold nothing stop early, and the
// size of the list says what is found, as it does in one graph.
#pragma once

#include "graph/frontier.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace trackway::search {

class SharedList {
public:
    // For a new query. Probes are numbered from 0.
    void reset(std::size_t size, std::uint32_t probes) {
        size_ = size;
        running_.resize(probes);
        for (std::vector<float>& list : running_)
            list.clear();
        ended_.clear();
    }

    // What stands in the list of this probe now.
    void note(std::uint32_t probe, std::span<const graph::Candidate> list) {
        std::vector<float>& distances = running_[probe];
        distances.resize(list.size());
        std::transform(list.begin(), list.end(), distances.begin(),
                       [](const graph::Candidate& candidate) { return candidate.distance; });
    }

    // The probe is over: its list stays, its number may be another's.
    void end(std::uint32_t probe) {
        ended_.insert(ended_.end(), running_[probe].begin(), running_[probe].end());
        running_[probe].clear();
        if (ended_.size() <= size_) return;
        std::nth_element(ended_.begin(), at(ended_, size_), ended_.end());
        ended_.resize(size_);
    }

    // The farthest distance in the list of all; infinity while it is not full.
    float bound() {
        all_ = ended_;
        for (const std::vector<float>& list : running_)
            all_.insert(all_.end(), list.begin(), list.end());
        if (all_.size() < size_) return std::numeric_limits<float>::infinity();
        std::nth_element(all_.begin(), at(all_, size_ - 1), all_.end());
        return all_[size_ - 1];
    }

private:
    static std::vector<float>::iterator at(std::vector<float>& list, std::size_t position) {
        return list.begin() + static_cast<std::ptrdiff_t>(position);
    }

    std::size_t size_ = 0;  // at least 1
    std::vector<std::vector<float>> running_;
    std::vector<float> ended_;
    std::vector<float> all_;
};

}  // namespace trackway::search
