// Turn a file of vectors into an index directory.
#pragma once

#include "trackway/options.h"
#include "trackway/result.h"

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace trackway {

struct StageReport {
    std::string name;
    double seconds = 0;
    double cpu_seconds = 0;
    std::uint64_t peak_resident_bytes = 0;  // of the whole program, at the end of the stage
};

struct ShardReport {
    std::uint64_t vectors = 0;
    std::uint64_t replicas = 0;
    std::uint64_t pages = 0;
    double mean_degree = 0;
};

struct LayoutReport {
    PageOrder order = PageOrder::kBreadthFirst;
    std::uint32_t page_size_bytes = 0;
    std::uint32_t vertices_per_page = 0;  // numbers reserved per page
    double mean_vertices_per_page = 0;    // vertices really on a page
    std::uint32_t neighbor_id_bits = 0;
};

struct BuildReport {
    std::vector<StageReport> stages;
    std::vector<ShardReport> shards;
    LayoutReport layout;
    std::uint64_t vectors = 0;
    std::uint32_t dimension = 0;
    ElementType element_type = ElementType::kFloat32;
    std::uint32_t threads = 0;
    std::uint64_t bytes_written = 0;
    std::uint64_t peak_resident_bytes = 0;
    double vectors_per_second_per_core = 0;
};

// Called from one thread at a time; done runs from 0 to total within a stage.
using BuildProgress =
    std::function<void(std::string_view stage, std::uint64_t done, std::uint64_t total)>;

// Writes options.index_dir and verifies it by reopening. On any error, and when stop is requested
// (ErrorCode::kCancelled), what was there before is untouched and no new file remains.
Result<BuildReport> build(const BuildOptions& options, const BuildProgress& progress = {},
                          const std::stop_token& stop = {});

}  // namespace trackway
