// The search lists of one query's probes, counted as one list of the same size: what would have no
// place in it is not worth a read in any shard. So shards that hold nothing stop early, and the
// size of the list says what is found, as it does in one graph. Of a vector that several shards
// hold, each counts.
#pragma once

#include "beam/beam_search.h"
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
    // For a new query that wants k vectors. Probes are numbered from 0.
    void reset(std::size_t size, std::size_t k, std::uint32_t probes) {
        size_ = size;
        k_ = k;
        running_.resize(probes);
        for (Places& places : running_)
            places.clear();
        ended_.clear();
        has_k_ = false;
    }

    // What stands in the list of this probe now, and the rows that it has found.
    void note(std::uint32_t probe, std::span<const graph::Candidate> list,
              std::span<const graph::Candidate> found) {
        running_[probe].clear();
        for (const graph::Candidate& candidate : list)
            running_[probe].distances.push_back(candidate.distance);
        for (const graph::Candidate& candidate : found)
            running_[probe].rows.push_back(candidate.vertex);
    }

    // The probe is over, its number may be another's: of its list only what it has measured keeps a
    // place.
    void end(std::uint32_t probe, std::span<const graph::Candidate> list) {
        for (const graph::Candidate& candidate : list)
            if (beam::BeamSearch::is_measured(candidate))
                ended_.distances.push_back(candidate.distance);
        ended_.rows.insert(ended_.rows.end(), running_[probe].rows.begin(),
                           running_[probe].rows.end());
        drop(probe);
        if (ended_.distances.size() <= size_) return;
        std::nth_element(ended_.distances.begin(), at(ended_.distances, size_),
                         ended_.distances.end());
        ended_.distances.resize(size_);
    }
    // It failed: it has no part in the answer.
    void drop(std::uint32_t probe) {
        running_[probe].clear();
        has_k_ = false;
    }

    // The farthest distance in the list of all; infinity while it is not full, or before k vectors
    // are found.
    float bound() {
        constexpr float kNone = std::numeric_limits<float>::infinity();
        has_k_ = has_k_ || count_rows() >= k_;
        if (!has_k_) return kNone;
        all_ = ended_.distances;
        for (const Places& places : running_)
            all_.insert(all_.end(), places.distances.begin(), places.distances.end());
        if (all_.size() < size_) return kNone;
        std::nth_element(all_.begin(), at(all_, size_ - 1), all_.end());
        return all_[size_ - 1];
    }

private:
    struct Places {
        std::vector<float> distances;
        std::vector<std::uint32_t> rows;
        void clear() {
            distances.clear();
            rows.clear();
        }
    };

    static std::vector<float>::iterator at(std::vector<float>& list, std::size_t position) {
        return list.begin() + static_cast<std::ptrdiff_t>(position);
    }

    // Different ones; 0 where they are fewer than k in any case.
    std::size_t count_rows() {
        rows_ = ended_.rows;
        for (const Places& places : running_)
            rows_.insert(rows_.end(), places.rows.begin(), places.rows.end());
        if (rows_.size() < k_) return 0;
        std::sort(rows_.begin(), rows_.end());
        return static_cast<std::size_t>(std::unique(rows_.begin(), rows_.end()) - rows_.begin());
    }

    std::size_t size_ = 0;  // at least 1
    std::size_t k_ = 0;
    std::vector<Places> running_;
    Places ended_;
    bool has_k_ = false;  // as far as it is known
    std::vector<float> all_;
    std::vector<std::uint32_t> rows_;
};

}  // namespace trackway::search
