#include "search/opened_graph.h"

#include "base/errors.h"
#include "beam/read_codec.h"
#include "layouts/graph_tables.h"

#include <utility>

namespace trackway::search {
namespace {

using base::fail;
using base::join;
using layouts::ShardPart;

std::span<const std::uint32_t> numbers_of(const base::AlignedBuffer& bytes) noexcept {
    const void* values = bytes.data();
    return {static_cast<const std::uint32_t*>(values), bytes.size() / sizeof(std::uint32_t)};
}

}  // namespace

std::uint64_t bytes_of_files(const layouts::Manifest& manifest, const layouts::GraphFiles& files) {
    std::uint64_t bytes = files.bytes() + layouts::manifest_text(manifest).size();
    for (const ShardPart part : layouts::table_parts(manifest)) {
        bytes +=
            layouts::table_file_bytes(layouts::table_shape(part, manifest, files.description()));
    }
    return bytes;
}

std::span<const std::uint32_t> OpenedGraph::hot_order() const noexcept {
    return numbers_of(hot_places);
}

std::uint64_t OpenedGraph::table_bytes() const noexcept {
    return code_bytes.size() + codec->bytes() + navigation_rows.size();
}

beam::GraphView OpenedGraph::view() const noexcept {
    const void* codes = code_bytes.data();
    return {
        .description = files.description(),
        .codec = *codec,
        .codes = {static_cast<const std::uint8_t*>(codes), codec->code_bytes()},
        .navigation = navigation_rows.size() == 0
                          ? beam::NavigationView()
                          : beam::NavigationView(numbers_of(navigation_rows), navigation_degree),
        .hot = hot.get(),
        .edges = edges.get(),
        .estimate_error = estimate_error};
}

Result<OpenedGraph> OpenedGraph::open(const std::filesystem::path& index_dir,
                                      const layouts::Manifest& manifest) {
    const auto path = [&](ShardPart part) {
        return index_dir / layouts::shard_file_name(manifest.uuid, layouts::kGraphShard, part);
    };
    TRACKWAY_TRY_ASSIGN(files, layouts::GraphFiles::open(index_dir, manifest));
    const layouts::GraphDescription& description = files.description();  // stays when it is moved
    const auto read = [&](ShardPart part) {
        return layouts::read_table(path(part), manifest.uuid,
                                   layouts::table_shape(part, manifest, description));
    };
    TRACKWAY_TRY_ASSIGN(codec, beam::read_codec(path(ShardPart::kCodebook), manifest, description));
    TRACKWAY_TRY_ASSIGN(codes, read(ShardPart::kCodes));
    const std::uint64_t bytes = bytes_of_files(manifest, files);
    OpenedGraph graph{.files = std::move(files),
                      .bytes_on_disk = bytes,
                      .code_bytes = std::move(codes),
                      .codec = std::move(codec),
                      .estimate_error = manifest.estimate_error,
                      .expand_share = static_cast<float>(manifest.expand_share_permille) / 1000,
                      .curve = manifest.curve,
                      .curve_with_edges = manifest.curve_with_edges,
                      .navigation_rows = {},
                      .navigation_degree = manifest.navigation_degree,
                      .hot_places = {},
                      .given = manifest.element_type};
    if (manifest.format_minor == 0) return graph;
    TRACKWAY_TRY_ASSIGN(navigation, read(ShardPart::kNavigation));
    TRACKWAY_TRY_ASSIGN(hot, read(ShardPart::kHot));
    graph.navigation_rows = std::move(navigation);
    graph.hot_places = std::move(hot);
    const std::uint64_t places = graph.geometry().place_count();
    TRACKWAY_TRY(layouts::check_navigation(path(ShardPart::kNavigation),
                                           numbers_of(graph.navigation_rows),
                                           manifest.navigation_degree, places));
    TRACKWAY_TRY(layouts::check_places(path(ShardPart::kHot), graph.hot_order(), places));
    if (!manifest.is_encoded()) return graph;
    TRACKWAY_TRY_ASSIGN(
        exact, layouts::VectorsFile::open(path(ShardPart::kVectors), manifest, description));
    graph.bytes_on_disk += exact.geometry.file_bytes();
    graph.exact = std::move(exact);
    return graph;
}

}  // namespace trackway::search
