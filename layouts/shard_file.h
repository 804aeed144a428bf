// The file of one shard's pages; the files of all shards hold the pages of one graph.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "base/aligned_buffer.h"
#include "base/errors.h"
#include "io/file.h"
#include "layouts/format.h"
#include "layouts/page.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace trackway::layouts {

// What is said of the graph in every header, beside the geometry of pages.
struct GraphDescription {
    PageGeometry geometry;
    std::uint32_t vertex_count = 0;
    std::uint32_t dimension = 0;
    LocalId entry_point{};
    ElementType element_type = ElementType::kFloat32;
    Metric metric = Metric::kL2;
    PageOrder page_order = PageOrder::kInsertion;
};

// What of the graph is in one file.
struct ShardExtent {
    std::uint32_t shard_id = 0;
    std::uint32_t first_page = 0;
    std::uint32_t page_count = 0;
    std::uint32_t vertex_count = 0;
};

class ShardFileWriter {
public:
    // Writes the header. REQUIRES: graph.geometry.seed == page_seed(uuid).
    static Result<ShardFileWriter> create(const std::filesystem::path& path, const Uuid& uuid,
                                          const GraphDescription& graph, const ShardExtent& extent);

    // The bytes of encode_page(), page after page.
    Status append(std::span<const std::byte> pages) { return file_.append(pages); }
    io::StagedFile& file() noexcept { return file_; }

private:
    explicit ShardFileWriter(io::StagedFile file) : file_(std::move(file)) {}
    io::StagedFile file_;
};

// An open shard: header verified, file size as the header says, everything inside its limits.
struct ShardFile {
    io::File file;
    GraphDescription graph;  // geometry.file_starts is for GraphFiles to fill in
    ShardExtent extent;

    static Result<ShardFile> open(const std::filesystem::path& path, const Uuid& uuid,
                                  std::uint32_t shard_id,
                                  io::Caching caching = io::Caching::kDirect);

    // Of a page of this file.
    std::uint64_t offset_of(PageId page) const noexcept {
        const std::uint32_t number = static_cast<std::uint32_t>(page) - extent.first_page;
        return (std::uint64_t{number} + 1) * graph.geometry.page_size_bytes;
    }
    // "FILE: offset 32768: what", for errors about a page.
    std::string locate(PageId page, std::string_view what) const;
};

// body(page, view) -> Status for every page in order, verified; the first error ends it.
template <class Body>
Status for_each_page(const ShardFile& shard, const Body& body) {
    constexpr std::uint32_t kReadBytes = 1U << 20U;
    const PageGeometry& geometry = shard.graph.geometry;
    const std::size_t page_size = geometry.page_size_bytes;
    const std::uint32_t step = kReadBytes / geometry.page_size_bytes;
    base::AlignedBuffer buffer(kReadBytes);
    const std::uint32_t end = shard.extent.first_page + shard.extent.page_count;
    for (std::uint32_t begin = shard.extent.first_page; begin < end;) {
        const std::uint32_t count = std::min(step, end - begin);
        TRACKWAY_TRY(shard.file.read_exact(shard.offset_of(PageId{begin}),
                                           buffer.span().first(count * page_size)));
        for (std::uint32_t i = 0; i < count; ++i) {
            const PageId page{begin + i};
            const auto view =
                PageView::open(geometry, page, buffer.span().subspan(i * page_size, page_size));
            if (!view) {
                return base::fail(view.error().code, shard.locate(page, view.error().message));
            }
            TRACKWAY_TRY(body(page, *view));
        }
        begin += count;
    }
    return {};
}

}  // namespace trackway::layouts
