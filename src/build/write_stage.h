// Writes the files of one shard under temporary names and verifies them by reading them back.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "base/arena.h"
#include "graph/adjacency.h"
#include "io/file.h"
#include "layouts/page_packing.h"
#include "layouts/shard_file.h"
#include "quant/product_quantizer.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace trackway::builder {

// All that goes into the files of one shard; views of what the stages before have made.
struct ShardContent {
    MatrixView vectors;
    const graph::Adjacency& adjacency;
    std::span<const std::uint32_t> order;
    const layouts::PagePacking& packing;
    const quant::ProductQuantizer& quantizer;
    std::span<const std::uint8_t> codes;
};

struct StagedShard {
    io::StagedFile pages, codes, codebook;
};

// kCancelled when arena.stopped().
Result<StagedShard> write_shard(const std::filesystem::path& folder, const layouts::Uuid& uuid,
                                const layouts::ShardDescription& description,
                                const ShardContent& content, const base::Arena& arena);

// Reopens the files as a search would, by their temporary names, and checks every byte.
Status verify_staged(const StagedShard& staged, const layouts::Uuid& uuid,
                     const layouts::ShardDescription& description,
                     const quant::ProductQuantizer& quantizer);

}  // namespace trackway::builder
