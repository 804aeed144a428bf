// The files of a graph's pages, one for each shard, open together.
#pragma once

#include "trackway/result.h"

#include "layouts/manifest.h"
#include "layouts/shard_file.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trackway::layouts {

class GraphFiles {
public:
    // Every shard that the manifest names: each is the manifest's, together they are one graph.
    static Result<GraphFiles> open(const std::filesystem::path& index_dir,
                                   const Manifest& manifest);
    // The same of files under any names; paths: of each shard.
    static Result<GraphFiles> open(std::span<const std::filesystem::path> paths,
                                   const Manifest& manifest,
                                   io::Caching caching = io::Caching::kDirect);

    // Stays where it is when the files are moved.
    const GraphDescription& description() const noexcept { return *description_; }
    const PageGeometry& geometry() const noexcept { return description_->geometry; }
    std::span<const ShardFile> shards() const noexcept { return shards_; }
    const io::File& file_of(PageId page) const noexcept {
        return shards_[geometry().shard_of(page)].file;
    }
    std::uint64_t bytes() const noexcept;

    Status read(PageId page, std::span<std::byte> bytes) const;
    // "FILE: offset 32768: what", for errors about a page.
    std::string locate(PageId page, std::string_view what) const;

private:
    std::unique_ptr<GraphDescription> description_;
    std::vector<ShardFile> shards_;
};

// body(page, view) -> Status for every page in order, verified; the first error ends it.
template <class Body>
Status for_each_page(const GraphFiles& graph, const Body& body) {
    for (const ShardFile& shard : graph.shards())
        TRACKWAY_TRY(for_each_page(shard, body));
    return {};
}

}  // namespace trackway::layouts
