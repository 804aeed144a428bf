// Reads a whole shard and checks that it is what its header says.
#pragma once

#include "trackway/result.h"

#include "layouts/manifest.h"
#include "layouts/shard_file.h"

#include <cstdint>
#include <vector>

namespace trackway::layouts {

struct ShardContents {
    std::uint64_t vertices = 0;
    std::uint64_t edges = 0;
    std::uint64_t empty_places = 0;
    std::vector<std::uint16_t> slots = {};  // of each page

    // The place holds a vertex.
    bool holds(const PageGeometry& geometry, std::uint32_t place) const noexcept {
        return place < geometry.place_count() &&
               geometry.slot_of(LocalId{place}) <
                   slots[static_cast<std::uint32_t>(geometry.page_of(LocalId{place}))];
    }
};

// The shard is the one that the manifest describes: kCorruption names what differs.
Status check_against_manifest(const ShardFile& shard, const Manifest& manifest);

// Every page's checksum and structure; every neighbour is a vertex that exists, once; every row
// stands once at most; the counts agree with the header.
Result<ShardContents> verify_shard(const ShardFile& shard);

}  // namespace trackway::layouts
