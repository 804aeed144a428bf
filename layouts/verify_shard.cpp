#include "layouts/verify_shard.h"

#include "base/aligned_buffer.h"
#include "base/errors.h"

#include <algorithm>
#include <vector>

namespace trackway::layouts {
namespace {

using base::fail;
using base::join;

constexpr std::uint32_t kPagesPerRead = 256;

class Verifier {
public:
    explicit Verifier(const ShardFile& shard)
        : shard_(shard),
          geometry_(shard.description.geometry),
          row_seen_(geometry_.row_count, false),
          slots_(geometry_.page_count, 0),
          neighbors_(geometry_.max_degree) {}

    Result<ShardContents> run() {
        TRACKWAY_TRY(for_each_page(
            [&](PageId page, const PageView& view) { return count_slots(page, view); }));
        TRACKWAY_TRY(for_each_page(
            [&](PageId page, const PageView& view) { return check_neighbors(page, view); }));
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
    template <class Body>
    Status for_each_page(const Body& body) {
        const std::size_t page_size = geometry_.page_size_bytes;
        base::AlignedBuffer buffer(kPagesPerRead * page_size);
        for (std::uint32_t begin = 0; begin < geometry_.page_count; begin += kPagesPerRead) {
            const std::uint32_t count = std::min(kPagesPerRead, geometry_.page_count - begin);
            TRACKWAY_TRY(shard_.file.read_exact(geometry_.offset_of(PageId{begin}),
                                                buffer.span().first(count * page_size)));
            for (std::uint32_t i = 0; i < count; ++i) {
                const PageId page{begin + i};
                const auto view = PageView::open(geometry_, page,
                                                 buffer.span().subspan(i * page_size, page_size));
                if (!view) {
                    return fail(view.error().code, shard_.locate(page, view.error().message));
                }
                TRACKWAY_TRY(body(page, *view));
            }
        }
        return {};
    }

    Status count_slots(PageId page, const PageView& view) {
        slots_[static_cast<std::uint32_t>(page)] = static_cast<std::uint16_t>(view.slot_count());
        contents_.vertices += view.slot_count();
        for (std::uint32_t slot = 0; slot < view.slot_count(); ++slot) {
            const auto row = static_cast<std::uint64_t>(view.row(slot));
            if (row_seen_[row]) return blame(page, slot, join("row ", row, " stands twice"));
            row_seen_[row] = true;
        }
        return {};
    }

    bool exists(std::uint32_t place) const noexcept {
        return place < geometry_.place_count() &&
               geometry_.slot_of(LocalId{place}) <
                   slots_[static_cast<std::uint32_t>(geometry_.page_of(LocalId{place}))];
    }

    Status check_neighbors(PageId page, const PageView& view) {
        for (std::uint32_t slot = 0; slot < view.slot_count(); ++slot) {
            view.neighbors(slot, neighbors_.data());
            contents_.edges += view.degree(slot);
            for (std::uint32_t i = 0; i < view.degree(slot); ++i) {
                if (exists(neighbors_[i])) continue;
                return blame(page, slot, join("neighbour ", neighbors_[i], ": no such vertex"));
            }
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
    std::vector<std::uint16_t> slots_;  // of each page
    std::vector<std::uint32_t> neighbors_;
    ShardContents contents_;
};

}  // namespace

Result<ShardContents> verify_shard(const ShardFile& shard) {
    return Verifier(shard).run();
}

}  // namespace trackway::layouts
