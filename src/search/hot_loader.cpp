#include "search/hot_loader.h"

#include "base/aligned_buffer.h"
#include "base/errors.h"
#include "io/page_reader.h"
#include "search/read_status.h"

#include <algorithm>
#include <vector>

namespace trackway::search {
namespace {

constexpr std::uint32_t kReadsInFlight = 64;
constexpr std::uint64_t kDefaultShare = 20;  // one part in 20 of the index

}  // namespace

Result<std::uint32_t> hot_vertices_wanted(const OpenedShard& shard, const OpenOptions& options) {
    const std::uint64_t listed = shard.hot_order().size();
    if (options.cache_vertices) {
        return static_cast<std::uint32_t>(std::min(*options.cache_vertices, listed));
    }
    std::uint64_t room = shard.file.file.size_bytes() / kDefaultShare;
    if (options.memory_budget_bytes != 0) {
        if (options.memory_budget_bytes < shard.table_bytes()) {
            return base::fail(
                ErrorCode::kOutOfMemory,
                base::join("memory budget: codes and navigation need ", shard.table_bytes(),
                           " bytes, found ", options.memory_budget_bytes));
        }
        room = options.memory_budget_bytes - shard.table_bytes();
    }
    const std::uint64_t each = beam::HotRecords::record_bytes(shard.geometry());
    return static_cast<std::uint32_t>(std::min(room / each, listed));
}

Status load_hot_records(OpenedShard& shard, std::uint32_t count, IoEngine engine) {
    if (count == 0) return {};
    const layouts::PageGeometry& geometry = shard.geometry();
    const std::size_t page_size = geometry.page_size_bytes;
    const auto chosen = shard.hot_order().first(count);
    std::vector<std::uint32_t> places(chosen.begin(), chosen.end());
    std::sort(places.begin(), places.end());
    std::vector<PageId> pages;
    for (const std::uint32_t place : places) {
        const PageId page = geometry.page_of(LocalId{place});
        if (pages.empty() || pages.back() != page) pages.push_back(page);
    }
    auto records = std::make_unique<beam::HotRecords>(geometry);
    std::vector<std::uint32_t> slots;
    std::size_t next = 0;  // of places
    base::AlignedBuffer buffers(kReadsInFlight * page_size);
    const io::File* file = &shard.file.file;
    TRACKWAY_TRY_ASSIGN(
        reader,
        io::open_page_reader(
            engine, {{&file, 1}, buffers.span(), geometry.page_size_bytes, kReadsInFlight}));
    std::vector<io::PageRead> reads(kReadsInFlight);
    for (std::size_t begin = 0; begin < pages.size(); begin += kReadsInFlight) {
        const std::size_t batch = std::min<std::size_t>(kReadsInFlight, pages.size() - begin);
        std::vector<io::PageRead*> to_submit;
        for (std::size_t i = 0; i < batch; ++i) {
            reads[i] = {.offset = geometry.offset_of(pages[begin + i]),
                        .buffer = buffers.data() + i * page_size};
            to_submit.push_back(&reads[i]);
        }
        reader->submit(to_submit);
        for (std::size_t done = 0; done < batch;)
            done += reader->reap().size();
        for (std::size_t i = 0; i < batch; ++i) {
            TRACKWAY_TRY(read_status(*file, geometry.page_size_bytes, reads[i]));
            const PageId page = pages[begin + i];
            const auto view = layouts::PageView::open(geometry, page, {reads[i].buffer, page_size});
            if (!view) {
                return base::fail(view.error().code, shard.file.locate(page, view.error().message));
            }
            slots.clear();
            for (; next < places.size() && geometry.page_of(LocalId{places[next]}) == page; ++next)
                slots.push_back(geometry.slot_of(LocalId{places[next]}));
            if (slots.back() >= view->slot_count()) {
                return base::fail(
                    ErrorCode::kCorruption,
                    shard.file.locate(
                        page, base::join("slot ", slots.back(), ": expected a hot vertex, found ",
                                         view->slot_count(), " slots")));
            }
            records->add(page, *view, slots);
        }
    }
    records->finish();
    shard.hot = std::move(records);
    return {};
}

}  // namespace trackway::search
