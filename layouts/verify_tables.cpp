#include "layouts/verify_tables.h"

#include "base/aligned_buffer.h"
#include "base/errors.h"
#include "layouts/graph_tables.h"

#include <cmath>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

namespace trackway::layouts {
namespace {

using base::fail;
using base::join;

class TableVerifier {
public:
    TableVerifier(const Manifest& manifest, const GraphFiles& graph, const GraphContents& contents)
        : manifest_(manifest), geometry_(graph.geometry()), contents_(contents) {}

    Status check(ShardPart part, const std::filesystem::path& path,
                 std::span<const std::byte> bytes) const {
        std::vector<std::uint32_t> values(bytes.size() / sizeof(std::uint32_t));
        if (part == ShardPart::kNavigation) {
            std::memcpy(values.data(), bytes.data(), bytes.size());
            TRACKWAY_TRY(check_navigation(path, values, manifest_.navigation_degree,
                                          geometry_.place_count()));
            return check_vertices(path, values, std::size_t{manifest_.navigation_degree} + 2);
        }
        if (part == ShardPart::kHot && !values.empty()) {
            std::memcpy(values.data(), bytes.data(), bytes.size());
            TRACKWAY_TRY(check_places(path, values, geometry_.place_count()));
            return check_vertices(path, values, 1);
        }
        return part == ShardPart::kCovisits ? check_covisits(path, bytes) : Status();
    }

private:
    // Of every `stride` numbers the first is a vertex.
    Status check_vertices(const std::filesystem::path& path, std::span<const std::uint32_t> values,
                          std::size_t stride) const {
        for (std::size_t at = 0; at < values.size(); at += stride) {
            if (contents_.holds(geometry_, values[at])) continue;
            return fail(ErrorCode::kCorruption,
                        join(path.string(), ": offset ", kHeaderBytes + at * sizeof values[at],
                             ": place ", values[at], ": no such vertex"));
        }
        return {};
    }

    Status check_covisits(const std::filesystem::path& path,
                          std::span<const std::byte> bytes) const {
        for (std::size_t at = 0; at < bytes.size(); at += sizeof(CovisitRow)) {
            CovisitRow row{};
            std::memcpy(&row, bytes.data() + at, sizeof row);
            const bool places =
                contents_.holds(geometry_, row.place) && contents_.holds(geometry_, row.other);
            if (places && std::isfinite(row.weight) && row.weight > 0) continue;
            return fail(ErrorCode::kCorruption,
                        join(path.string(), ": offset ", kHeaderBytes + at, ": places ", row.place,
                             " and ", row.other, ", weight ", row.weight,
                             ": expected two vertices and a weight above 0"));
        }
        return {};
    }

    const Manifest& manifest_;
    const PageGeometry& geometry_;
    const GraphContents& contents_;
};

}  // namespace

Status verify_tables(const std::filesystem::path& index_dir, const Manifest& manifest,
                     const GraphFiles& graph, const GraphContents& contents) {
    const TableVerifier verifier(manifest, graph, contents);
    for (const ShardPart part : table_parts(manifest)) {
        const auto path = index_dir / shard_file_name(manifest.uuid, kGraphShard, part);
        TRACKWAY_TRY_ASSIGN(table, read_table(path, manifest.uuid,
                                              table_shape(part, manifest, graph.description())));
        TRACKWAY_TRY(verifier.check(part, path, table.span()));
    }
    return {};
}

}  // namespace trackway::layouts
