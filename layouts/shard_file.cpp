#include "layouts/shard_file.h"

#include "base/aligned_buffer.h"
#include "base/assert.h"
#include "base/errors.h"
#include "layouts/file_start.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace trackway::layouts {
namespace {

using base::fail;
using base::join;

constexpr std::uint16_t kGraphMinor = 3;

ShardHeader header_of(const GraphDescription& graph, const ShardExtent& extent) {
    ShardHeader header{};
    header.page_size_bytes = graph.geometry.page_size_bytes;
    header.page_count = extent.page_count;
    header.vertex_count = extent.vertex_count;
    header.vertices_per_page = graph.geometry.vertices_per_page;
    header.dimension = graph.dimension;
    header.max_degree = graph.geometry.max_degree;
    header.entry_point = static_cast<std::uint32_t>(graph.entry_point);
    header.neighbor_bits = static_cast<std::uint8_t>(graph.geometry.edges.width());
    header.row_bits = static_cast<std::uint8_t>(graph.geometry.row_bits);
    header.element_type = static_cast<std::uint8_t>(graph.element_type);
    header.metric = static_cast<std::uint8_t>(graph.metric);
    header.row_count = graph.geometry.row_count;
    header.page_order = static_cast<std::uint8_t>(graph.page_order);
    header.place_limit = graph.geometry.edges.place_limit();
    header.first_page = extent.first_page;
    header.graph_page_count = graph.geometry.page_count;
    header.graph_vertex_count = graph.vertex_count;
    return header;
}

GraphDescription description_of(const ShardHeader& header) {
    const auto type = static_cast<ElementType>(header.element_type);
    return {.geometry = {.page_size_bytes = header.page_size_bytes,
                         .vector_bytes = header.dimension *
                                         static_cast<std::uint32_t>(element_size_bytes(type)),
                         .vertices_per_page = header.vertices_per_page,
                         .page_count = header.graph_page_count,
                         .max_degree = header.max_degree,
                         .row_bits = header.row_bits,
                         .row_count = header.row_count,
                         .seed = page_seed(header.start.index_uuid),
                         .edges = header.start.format_minor == 0
                                      ? EdgeCode::fixed_width(header.neighbor_bits)
                                      : EdgeCode::elias_fano(header.place_limit)},
            .vertex_count = header.graph_vertex_count,
            .dimension = header.dimension,
            .entry_point = LocalId{header.entry_point},
            .element_type = type,
            .metric = static_cast<Metric>(header.metric),
            .page_order = static_cast<PageOrder>(header.page_order)};
}

// Before format 1.3 a graph had one shard, and the fields that tell shards apart were reserved.
Status check_one_shard(const io::File& file, const ShardHeader& header) {
    if (header.first_page == 0 && header.graph_page_count == 0 && header.graph_vertex_count == 0) {
        return {};
    }
    return fail(ErrorCode::kCorruption,
                join(file.path().string(), ": header: reserved bytes: expected zeros"));
}

struct Range {
    const char* name;
    std::uint64_t value, least, most;
};

// A header with a right checksum may still be hostile: nothing later on may trust it blindly.
Status check_ranges(const io::File& file, const ShardHeader& header) {
    constexpr std::uint64_t kPlacesMax = std::uint64_t{1} << 32U;
    const std::uint64_t places = std::uint64_t{header.graph_page_count} * header.vertices_per_page;
    const std::uint64_t own_places = std::uint64_t{header.page_count} * header.vertices_per_page;
    // Format 1.0 packed every edge into the same number of bits; one place took one bit.
    const bool is_fixed = header.start.format_minor == 0;
    const Range ranges[] = {
        {"page size", header.page_size_bytes, kMinPageSize, kMaxPageSize},
        {"dimension", header.dimension, 1, kMaxDimension},
        {"max degree", header.max_degree, 1, kMaxDegree},
        {"element type", header.element_type, 1, 4},
        {"metric", header.metric, 1, 3},
        {"page order", header.page_order, 1, 4},
        {"vertices per page", header.vertices_per_page, 1, UINT16_MAX},
        {"graph pages", header.graph_page_count, 1, UINT32_MAX},
        {"pages", header.page_count, 1, header.graph_page_count},
        {"first page", header.first_page, 0, header.graph_page_count - header.page_count},
        {"places", places, 1, std::uint64_t{UINT32_MAX} + 1},
        {"graph vertices", header.graph_vertex_count, 1, places},
        {"vertices", header.vertex_count, 1,
         std::min<std::uint64_t>(own_places, header.graph_vertex_count)},
        {"neighbor bits", header.neighbor_bits, is_fixed ? base::bit_width_of(places - 1) : 0,
         is_fixed ? 32U : 0U},
        {"place limit", header.place_limit, is_fixed ? 0 : places, is_fixed ? 0 : kPlacesMax},
        {"rows", header.row_count, header.graph_vertex_count, std::uint64_t{UINT32_MAX} + 1},
        {"row bits", header.row_bits, base::bit_width_of(header.row_count - 1), 32},
        {"entry point", header.entry_point, 0, places - 1},
    };
    for (const Range& range : ranges) {
        if (range.value >= range.least && range.value <= range.most) continue;
        return fail(ErrorCode::kCorruption,
                    join(file.path().string(), ": header: ", range.name, ": expected ", range.least,
                         " to ", range.most, ", found ", range.value));
    }
    if ((header.page_size_bytes & (header.page_size_bytes - 1)) != 0) {
        return fail(
            ErrorCode::kCorruption,
            join(file.path().string(), ": header: page size: expected a power of two, found ",
                 header.page_size_bytes));
    }
    TRACKWAY_TRY(check_reserved(file, header.reserved));
    return check_reserved(file, header.reserved_before);
}

}  // namespace

Result<ShardFileWriter> ShardFileWriter::create(const std::filesystem::path& path, const Uuid& uuid,
                                                const GraphDescription& graph,
                                                const ShardExtent& extent) {
    TRACKWAY_ASSERT(graph.geometry.seed == page_seed(uuid));
    const ShardHeader header = header_of(graph, extent);
    std::vector<std::byte> page(graph.geometry.page_size_bytes, std::byte{0});
    std::memcpy(page.data(), &header, sizeof header);
    seal_header(std::span(page).first(kHeaderBytes), {kShardMagic, uuid, extent.shard_id});
    TRACKWAY_TRY_ASSIGN(file, io::StagedFile::create(path));
    TRACKWAY_TRY(file.append(page));
    return ShardFileWriter(std::move(file));
}

Result<ShardFile> ShardFile::open(const std::filesystem::path& path, const Uuid& uuid,
                                  std::uint32_t shard_id, io::Caching caching) {
    TRACKWAY_TRY_ASSIGN(
        file, caching == io::Caching::kDirect ? io::File::open_direct(path) : io::File::open(path));
    base::AlignedBuffer bytes(kHeaderBytes);
    TRACKWAY_TRY(file.read_exact(0, bytes.span()));
    TRACKWAY_TRY(check_header(file, bytes.span(), {kShardMagic, uuid, shard_id}));
    ShardHeader header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.start.format_minor < kGraphMinor) {
        TRACKWAY_TRY(check_one_shard(file, header));
        header.graph_page_count = header.page_count;
        header.graph_vertex_count = header.vertex_count;
    }
    TRACKWAY_TRY(check_ranges(file, header));
    const std::uint64_t expected = (std::uint64_t{header.page_count} + 1) * header.page_size_bytes;
    if (file.size_bytes() != expected) {
        return fail(ErrorCode::kCorruption,
                    join(path.string(), ": expected ", expected, " bytes for ", header.page_count,
                         " pages, found ", file.size_bytes()));
    }
    return ShardFile{
        std::move(file), description_of(header),
        ShardExtent{shard_id, header.first_page, header.page_count, header.vertex_count}};
}

std::string ShardFile::locate(PageId page, std::string_view what) const {
    return join(file.path().string(), ": offset ", offset_of(page), ": ", what);
}

}  // namespace trackway::layouts
