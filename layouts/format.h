// Bytes on disk, in the order in which FORMAT.md gives them. Little-endian, without padding.
#pragma once

#include "trackway/version.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace trackway::layouts {

static_assert(std::endian::native == std::endian::little, "FORMAT.md: hosts are little-endian");

constexpr std::uint64_t kShardMagic = 0x3144524148535754;    // "TWSHARD1"
constexpr std::uint64_t kTableMagic = 0x31454c4241545754;    // "TWTABLE1"
constexpr std::uint64_t kVectorsMagic = 0x3154434556535754;  // "TWSVECT1"
constexpr std::uint32_t kHeaderBytes = 4096;
constexpr std::uint32_t kChunkBytes = 1U << 20U;  // of a table, under one checksum

// Files that hold something of the whole graph bear the number of its first shard.
constexpr std::uint32_t kGraphShard = 0;

using Uuid = std::array<std::uint8_t, 16>;

// The first 40 bytes of every binary file.
struct FileStart {
    std::uint64_t magic;
    std::uint64_t checksum;  // XXH3-64 of bytes [16, kHeaderBytes)
    std::uint16_t format_major;
    std::uint16_t format_minor;
    std::uint32_t shard_id;
    Uuid index_uuid;  // the file belongs to this manifest and no other
};
static_assert(sizeof(FileStart) == 40);

// Page 0 of a shard file, followed by zeros up to the page size.
struct ShardHeader {
    FileStart start;
    std::uint32_t page_size_bytes;
    std::uint32_t page_count;  // vertex pages, without this header
    std::uint32_t vertex_count;
    std::uint32_t vertices_per_page;
    std::uint32_t dimension;
    std::uint32_t max_degree;
    std::uint32_t entry_point;   // LocalId
    std::uint8_t neighbor_bits;  // 0: Elias-Fano
    std::uint8_t row_bits;
    std::uint8_t element_type;
    std::uint8_t metric;
    std::uint64_t row_count;  // of the whole dataset
    std::uint8_t page_order;
    std::uint8_t reserved_before[7];  // zero
    std::uint64_t place_limit;        // of Elias-Fano lists; 0 in format 1.0
    // Of the graph, whose pages the files of all shards hold one after the other; 0 before 1.3.
    std::uint32_t first_page;          // of this file
    std::uint32_t graph_page_count;    // of all files
    std::uint32_t graph_vertex_count;  // of all files
    std::uint8_t reserved[3988];       // zero
};
static_assert(sizeof(ShardHeader) == kHeaderBytes);
static_assert(offsetof(ShardHeader, page_size_bytes) == 40);
static_assert(offsetof(ShardHeader, neighbor_bits) == 68);
static_assert(offsetof(ShardHeader, row_count) == 72);
static_assert(offsetof(ShardHeader, page_order) == 80);
static_assert(offsetof(ShardHeader, place_limit) == 88);
static_assert(offsetof(ShardHeader, first_page) == 96);
static_assert(std::is_trivially_copyable_v<ShardHeader>);
static_assert(std::has_unique_object_representations_v<ShardHeader>, "implicit padding");

// The first 16 bytes of every vertex page.
struct PageHeader {
    std::uint64_t checksum;  // XXH3-64 of bytes [8, page size), seeded by page_seed()
    std::uint32_t page_id;   // catches a read that landed on the wrong page
    std::uint16_t slot_count;
    std::uint16_t reserved;  // zero
};
static_assert(sizeof(PageHeader) == 16);
static_assert(std::has_unique_object_representations_v<PageHeader>, "implicit padding");

// Values are stored on disk; never renumber.
enum class TableKind : std::uint32_t {
    kCodes = 1,       // one row of code bytes for each place of the shard
    kCodebook = 2,    // one row of 256 floats for each dimension, subspace after subspace
    kNavigation = 3,  // one row for each vertex of the navigation graph
    kHot = 4,         // places, those whose residence saves most reads first
    kCovisits = 5,    // edges of the co-visitation graph
    kTrace = 6,       // visits of recorded queries: for each, how many, then the places
    kRouter = 7,      // regions of queries: centroid, then what each shard holds of their nearest
};

// The first kHeaderBytes of a table file.
struct TableHeader {
    FileStart start;
    std::uint32_t kind;
    std::uint32_t row_bytes;
    std::uint64_t row_count;
    std::uint64_t chunks_checksum;  // XXH3-64 of the list of chunk checksums, seed 0
    std::uint8_t reserved[4032];    // zero
};
static_assert(sizeof(TableHeader) == kHeaderBytes);
static_assert(offsetof(TableHeader, row_count) == 48);
static_assert(std::is_trivially_copyable_v<TableHeader>);
static_assert(std::has_unique_object_representations_v<TableHeader>, "implicit padding");

// Page 0 of a file of exact vectors, followed by zeros up to the page size.
struct VectorsHeader {
    FileStart start;
    std::uint32_t page_size_bytes;
    std::uint32_t page_count;  // without this header
    std::uint64_t place_count;
    std::uint32_t rows_per_page;
    std::uint32_t dimension;
    std::uint32_t element_type;
    std::uint8_t reserved[4028];  // zero
};
static_assert(sizeof(VectorsHeader) == kHeaderBytes);
static_assert(std::is_trivially_copyable_v<VectorsHeader>);
static_assert(std::has_unique_object_representations_v<VectorsHeader>, "implicit padding");

// Seeds mix the index into its checksums, so that a page or chunk of another index never passes.
constexpr std::uint64_t uuid_seed(const Uuid& uuid) noexcept {
    std::uint64_t seed = 0;
    for (std::size_t i = 0; i < 8; ++i)
        seed |= std::uint64_t{uuid[i]} << (8 * i);
    return seed;
}
constexpr std::uint64_t page_seed(const Uuid& uuid) noexcept {
    return uuid_seed(uuid);
}
// Another than page_seed(): pages of vertices and of exact vectors never pass for each other.
constexpr std::uint64_t vectors_seed(const Uuid& uuid) noexcept {
    return page_seed(uuid) ^ kVectorsMagic;
}
constexpr std::uint64_t chunk_seed(const Uuid& uuid, std::uint64_t chunk) noexcept {
    return uuid_seed(uuid) ^ chunk;
}

}  // namespace trackway::layouts
