// What a search found, as a file: .ibin and .ivecs as truth sets, .npy, .csv and .json for others.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include <cstdint>
#include <span>
#include <string>

namespace trackway::tools {

struct SearchResults {
    std::uint32_t k = 0;
    std::span<const Neighbor> found;   // k of each query, nearest first
    std::span<const Status> statuses;  // of each query
};

// Empty, or what is wrong with the name of a file of results.
std::string not_a_result_file(const std::string& path);

// Replaces the file as a whole. Where fewer than k were found, the id is -1 (4294967295 in .ibin
// and .ivecs) and the distance farthest_distance(); .csv and .json leave such places out.
//     .npy   a structured array of shape (queries, k): "id" int64, "distance" float32
//     .csv   query,rank,id,distance with a line of titles; ranks from 0
//     .json  a list of {"ids": [...], "distances": [...]}, and "error" where a query failed
Status write_results(const std::string& path, const SearchResults& results);

}  // namespace trackway::tools
