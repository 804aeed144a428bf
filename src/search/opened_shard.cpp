#include "search/opened_shard.h"

#include "base/errors.h"
#include "beam/read_codec.h"
#include "layouts/shard_tables.h"
#include "layouts/verify_shard.h"

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

std::span<const std::uint32_t> OpenedShard::hot_order() const noexcept {
    return numbers_of(hot_places);
}

std::uint64_t OpenedShard::table_bytes() const noexcept {
    return code_bytes.size() + codec->bytes() + navigation_rows.size();
}

beam::ShardView OpenedShard::view() const noexcept {
    const void* codes = code_bytes.data();
    return {
        .description = file.description,
        .codec = *codec,
        .codes = {static_cast<const std::uint8_t*>(codes), codec->code_bytes()},
        .navigation = navigation_rows.size() == 0
                          ? beam::NavigationView()
                          : beam::NavigationView(numbers_of(navigation_rows), navigation_degree),
        .hot = hot.get(),
        .edges = edges.get(),
        .estimate_error = estimate_error};
}

Result<OpenedShard> OpenedShard::open(const std::filesystem::path& index_dir,
                                      const layouts::Manifest& manifest, std::uint32_t shard_id) {
    const auto path = [&](ShardPart part) {
        return index_dir / layouts::shard_file_name(manifest.uuid, shard_id, part);
    };
    TRACKWAY_TRY_ASSIGN(file,
                        layouts::ShardFile::open(path(ShardPart::kPages), manifest.uuid, shard_id));
    TRACKWAY_TRY(layouts::check_against_manifest(file, manifest));
    const auto read = [&](ShardPart part) {
        return layouts::read_table(path(part), manifest.uuid,
                                   layouts::table_shape(part, manifest, file.description));
    };
    TRACKWAY_TRY_ASSIGN(codec,
                        beam::read_codec(path(ShardPart::kCodebook), manifest, file.description));
    TRACKWAY_TRY_ASSIGN(codes, read(ShardPart::kCodes));
    OpenedShard shard{.file = std::move(file),
                      .code_bytes = std::move(codes),
                      .codec = std::move(codec),
                      .estimate_error = manifest.estimate_error,
                      .curve = manifest.curve,
                      .curve_with_edges = manifest.curve_with_edges,
                      .navigation_rows = {},
                      .navigation_degree = manifest.navigation_degree,
                      .hot_places = {},
                      .given = manifest.element_type};
    if (manifest.format_minor == 0) return shard;
    TRACKWAY_TRY_ASSIGN(navigation, read(ShardPart::kNavigation));
    TRACKWAY_TRY_ASSIGN(hot, read(ShardPart::kHot));
    shard.navigation_rows = std::move(navigation);
    shard.hot_places = std::move(hot);
    const std::uint64_t places = shard.geometry().place_count();
    TRACKWAY_TRY(layouts::check_navigation(path(ShardPart::kNavigation),
                                           numbers_of(shard.navigation_rows),
                                           manifest.navigation_degree, places));
    TRACKWAY_TRY(layouts::check_places(path(ShardPart::kHot), shard.hot_order(), places));
    if (!manifest.is_encoded()) return shard;
    TRACKWAY_TRY_ASSIGN(exact, layouts::VectorsFile::open(path(ShardPart::kVectors), manifest,
                                                          shard.file.description));
    shard.exact = std::move(exact);
    return shard;
}

}  // namespace trackway::search
