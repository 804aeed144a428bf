#include "layouts/verify_shard.h"

#include "base/aligned_buffer.h"
#include "base/errors.h"

#include <algorithm>
#include <span>
#include <vector>

namespace trackway::layouts {
namespace {

using base::fail;
using base::join;

class Verifier {
public:
    explicit Verifier(const ShardFile& shard)
        : shard_(shard),
          geometry_(shard.description.geometry),
          row_seen_(geometry_.row_count, false),
          neighbors_(geometry_.max_degree) {
        contents_.slots.resize(geometry_.page_count, 0);
    }

    Result<ShardContents> run() {
        TRACKWAY_TRY(check_header_padding());
        TRACKWAY_TRY(for_each_page(
            shard_, [&](PageId page, const PageView& view) { return count_slots(page, view); }));
        TRACKWAY_TRY(for_each_page(shard_, [&](PageId page, const PageView& view) {
            return check_neighbors(page, view);
        }));
        if (contents_.vertices != shard_.description.vertex_count) {
            return fail(ErrorCode::kCorruption,
                        join(shard_.file.path().string(), ": vertices: expected ",
                             shard_.description.vertex_count, ", found ", contents_.vertices));
        }
        if (!exists(static_cast<std::uint32_t>(shard_.description.entry_point))) {
            return fail(ErrorCode::kCorruption,
                        join(shard_.file.path().string(), ": entry point ",
                             static_cast<std::uint32_t>(shard_.description.entry_point),
                             ": expected a vertex, found an empty place"));
        }
        contents_.empty_places = geometry_.place_count() - contents_.vertices;
        return contents_;
    }

private:
    Status check_header_padding() const {
        base::AlignedBuffer page(geometry_.page_size_bytes);
        TRACKWAY_TRY(shard_.file.read_exact(0, page.span()));
        const auto padding = page.span().subspan(kHeaderBytes);
        const auto nonzero = std::find_if(padding.begin(), padding.end(),
                                          [](std::byte byte) { return byte != std::byte{0}; });
        if (nonzero == padding.end()) return {};
        return fail(ErrorCode::kCorruption, join(shard_.file.path().string(), ": offset ",
                                                 kHeaderBytes + (nonzero - padding.begin()),
                                                 ": behind the header: expected zeros"));
    }

    Status count_slots(PageId page, const PageView& view) {
        contents_.slots[static_cast<std::uint32_t>(page)] =
            static_cast<std::uint16_t>(view.slot_count());
        contents_.vertices += view.slot_count();
        for (std::uint32_t slot = 0; slot < view.slot_count(); ++slot) {
            const auto row = static_cast<std::uint64_t>(view.row(slot));
            if (row_seen_[row]) return blame(page, slot, join("row ", row, " stands twice"));
            row_seen_[row] = true;
        }
        return {};
    }

    bool exists(std::uint32_t place) const noexcept { return contents_.holds(geometry_, place); }

    Status check_neighbors(PageId page, const PageView& view) {
        for (std::uint32_t slot = 0; slot < view.slot_count(); ++slot) {
            view.neighbors(slot, neighbors_.data());
            contents_.edges += view.degree(slot);
            for (std::uint32_t i = 0; i < view.degree(slot); ++i) {
                if (exists(neighbors_[i])) continue;
                return blame(page, slot, join("neighbour ", neighbors_[i], ": no such vertex"));
            }
            TRACKWAY_TRY(check_distinct(page, slot, view.degree(slot)));
        }
        return {};
    }

    // The list in neighbors_. Format 1.0 did not sort it.
    Status check_distinct(PageId page, std::uint32_t slot, std::uint32_t degree) {
        const auto list = std::span(neighbors_).first(degree);
        if (geometry_.edges.width() != 0) std::sort(list.begin(), list.end());
        for (std::uint32_t i = 1; i < degree; ++i) {
            if (list[i - 1] < list[i]) continue;
            return blame(page, slot,
                         join("neighbour ", list[i], ": expected more than ", list[i - 1],
                              ", the one before it"));
        }
        return {};
    }

    Status blame(PageId page, std::uint32_t slot, const std::string& what) const {
        return fail(ErrorCode::kCorruption,
                    shard_.locate(page, join("page ", static_cast<std::uint32_t>(page), ": slot ",
                                             slot, ": ", what)));
    }

    const ShardFile& shard_;
    const PageGeometry& geometry_;
    std::vector<bool> row_seen_;
    std::vector<std::uint32_t> neighbors_;
    ShardContents contents_;
};

}  // namespace

Status check_against_manifest(const ShardFile& shard, const Manifest& manifest) {
    const ShardDescription& found = shard.description;
    const ManifestShard& entry = manifest.shards[found.shard_id];
    struct Field {
        const char* name;
        std::uint64_t expected, found;
    };
    const Field fields[] = {
        {"element type",
         static_cast<std::uint64_t>(
             stored_type(manifest.encoding, manifest.metric, manifest.element_type)),
         static_cast<std::uint64_t>(found.element_type)},
        {"metric", static_cast<std::uint64_t>(manifest.metric),
         static_cast<std::uint64_t>(found.metric)},
        {"dimension", manifest.dimension, found.dimension},
        {"max degree", manifest.max_degree, found.geometry.max_degree},
        {"dataset rows", manifest.vectors, found.geometry.row_count},
        {"page order", static_cast<std::uint64_t>(manifest.page_order),
         static_cast<std::uint64_t>(found.page_order)},
        {"vertices", entry.vectors, found.vertex_count},
        {"file bytes", entry.pages_bytes, shard.file.size_bytes()},
    };
    if (manifest.code_bytes > manifest.dimension) {
        return fail(ErrorCode::kCorruption,
                    join(shard.file.path().string(), ": manifest: code bytes: expected at most ",
                         manifest.dimension, ", found ", manifest.code_bytes));
    }
    for (const Field& field : fields) {
        if (field.expected == field.found) continue;
        return fail(ErrorCode::kCorruption,
                    join(shard.file.path().string(), ": ", field.name, ": expected ",
                         field.expected, " by the manifest, found ", field.found));
    }
    return {};
}

Result<ShardContents> verify_shard(const ShardFile& shard) {
    return Verifier(shard).run();
}

}  // namespace trackway::layouts
