// What recorded queries visited, in a file of its own beside no index: for each query how many
// vertices, then their places, in order.
#pragma once

#include "trackway/result.h"

#include "layouts/format.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace trackway::layouts {

// Whole or not at all. REQUIRES: visits not empty, well formed as above.
Status write_trace(const std::filesystem::path& path, const Uuid& uuid,
                   std::span<const std::uint32_t> visits);

// Numbers as write_trace() took them. kCorruption when the file is not a trace of this very index,
// whose places are below place_count.
Result<std::vector<std::uint32_t>> read_trace(const std::filesystem::path& path, const Uuid& uuid,
                                              std::uint64_t place_count);

}  // namespace trackway::layouts
