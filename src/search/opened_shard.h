// One shard, open for searching: its page file and the tables that stay in memory.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "base/aligned_buffer.h"
#include "layouts/manifest.h"
#include "layouts/shard_file.h"
#include "quant/distance_table.h"
#include "quant/product_quantizer.h"

#include <cstdint>
#include <filesystem>

namespace trackway::search {

// Immutable; shared by all threads.
struct OpenedShard {
    layouts::ShardFile file;
    base::AlignedBuffer code_bytes;
    quant::ProductQuantizer quantizer;

    const layouts::PageGeometry& geometry() const noexcept { return file.description.geometry; }
    quant::Codes codes() const noexcept {
        const void* values = code_bytes.data();
        return {static_cast<const std::uint8_t*>(values), quantizer.code_bytes()};
    }

    // Verifies the header, both tables, and that they are what the manifest says.
    static Result<OpenedShard> open(const std::filesystem::path& index_dir,
                                    const layouts::Manifest& manifest, std::uint32_t shard_id);
};

}  // namespace trackway::search
