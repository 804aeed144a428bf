// All that a search of one shard looks at, wherever it comes from: an open index, or the memory of
// a build.
#pragma once

#include "trackway/types.h"

#include "beam/hot_records.h"
#include "beam/navigation.h"
#include "beam/resident_edges.h"
#include "layouts/shard_file.h"
#include "quant/codec.h"

namespace trackway::beam {

// Immutable; what it points to outlives every search.
struct GraphView {
    const layouts::GraphDescription& description;
    const quant::Codec& codec;
    quant::Codes codes;  // of each place
    NavigationView navigation = {};
    const HotRecords* hot = nullptr;       // null: none resident
    const ResidentEdges* edges = nullptr;  // the same
    // How far estimates are off, root mean square, in the unit of BeamParams::stop_margin.
    float estimate_error = 0;

    const layouts::PageGeometry& geometry() const noexcept { return description.geometry; }
};

}  // namespace trackway::beam
