// The tables of a graph and the shape that each must have.
#pragma once

#include "layouts/file_names.h"
#include "layouts/manifest.h"
#include "layouts/shard_file.h"
#include "layouts/table_file.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace trackway::layouts {

// One row of the co-visitation table. A row whose ends are the same place gives its strength.
struct CovisitRow {
    std::uint32_t place;
    std::uint32_t other;
    float weight;
};
static_assert(sizeof(CovisitRow) == 12);

// The tables that the index has; pages and exact vectors are none. Format 1.0 has codes and
// codebook alone.
std::vector<ShardPart> table_parts(const Manifest& manifest);

// REQUIRES: part one of table_parts(); the graph is the manifest's.
TableShape table_shape(ShardPart part, const Manifest& manifest, const GraphDescription& graph);

// Every number of the table is in its range. kCorruption names the row that is not.
Status check_navigation(const std::filesystem::path& path, std::span<const std::uint32_t> values,
                        std::uint32_t navigation_degree, std::uint64_t place_count);
Status check_places(const std::filesystem::path& path, std::span<const std::uint32_t> places,
                    std::uint64_t place_count);

}  // namespace trackway::layouts
