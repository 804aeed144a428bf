#include "layouts/graph_tables.h"

#include "base/assert.h"
#include "base/errors.h"

#include <cstddef>

namespace trackway::layouts {
namespace {

constexpr std::uint32_t kCodewords = 256;

// Floats in each row of the codebook (FORMAT.md).
std::uint32_t codebook_width(const Manifest& manifest) noexcept {
    if (manifest.code_type == CodeType::kRabitq) return 5;
    return manifest.code_type == CodeType::kOpq ? kCodewords + manifest.dimension : kCodewords;
}

}  // namespace

std::vector<ShardPart> table_parts(const Manifest& manifest) {
    std::vector<ShardPart> parts = {ShardPart::kCodes, ShardPart::kCodebook};
    if (manifest.format_minor == 0) return parts;
    parts.push_back(ShardPart::kNavigation);
    parts.push_back(ShardPart::kHot);
    if (manifest.tables.covisit_edges > 0) parts.push_back(ShardPart::kCovisits);
    return parts;
}

TableShape table_shape(ShardPart part, const Manifest& manifest, const GraphDescription& graph) {
    const ManifestTables& tables = manifest.tables;
    switch (part) {
        case ShardPart::kCodes:
            return {TableKind::kCodes, manifest.code_bytes, graph.geometry.place_count()};
        case ShardPart::kCodebook:
            return {TableKind::kCodebook,
                    codebook_width(manifest) * static_cast<std::uint32_t>(sizeof(float)),
                    manifest.dimension};
        case ShardPart::kNavigation:
            return {TableKind::kNavigation,
                    (2 + manifest.navigation_degree) *
                        static_cast<std::uint32_t>(sizeof(std::uint32_t)),
                    tables.navigation_vertices};
        case ShardPart::kHot:
            return {TableKind::kHot, sizeof(std::uint32_t), tables.hot_vertices};
        case ShardPart::kCovisits:
            return {TableKind::kCovisits, sizeof(CovisitRow), tables.covisit_edges};
        case ShardPart::kPages:
        case ShardPart::kVectors:
        case ShardPart::kRouter:
            break;
    }
    TRACKWAY_ASSERT(false);
    return {};
}

Status check_navigation(const std::filesystem::path& path, std::span<const std::uint32_t> values,
                        std::uint32_t navigation_degree, std::uint64_t place_count) {
    const std::size_t stride = std::size_t{navigation_degree} + 2;
    const std::uint64_t rows = values.size() / stride;
    for (std::uint64_t row = 0; row < rows; ++row) {
        const auto fields = values.subspan(row * stride, stride);
        bool valid = fields[0] < place_count && fields[1] <= navigation_degree;
        for (std::uint32_t i = 0; valid && i < fields[1]; ++i)
            valid = fields[2 + i] < rows;
        if (valid) continue;
        return base::fail(ErrorCode::kCorruption,
                          base::join(path.string(), ": offset ",
                                     kHeaderBytes + row * stride * sizeof(std::uint32_t),
                                     ": navigation row ", row, ": a number beyond its range"));
    }
    return {};
}

Status check_places(const std::filesystem::path& path, std::span<const std::uint32_t> places,
                    std::uint64_t place_count) {
    std::vector<bool> listed(place_count, false);
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (places[i] < place_count && !listed[places[i]]) {
            listed[places[i]] = true;
            continue;
        }
        return base::fail(
            ErrorCode::kCorruption,
            base::join(path.string(), ": offset ", kHeaderBytes + i * sizeof(std::uint32_t),
                       ": expected a place below ", place_count, ", once, found ", places[i]));
    }
    return {};
}

}  // namespace trackway::layouts
