// Whatever the bytes, opening a page ends in a view whose parts all lie inside it, or an error. The
// checksum is made right, since no fuzzer finds one.
#include "base/checksum.h"
#include "layouts/page.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace trackway;
    if (size < 4) return 0;
    layouts::PageGeometry geometry{.page_size_bytes = 4096,
                                   .vector_bytes = 1U + data[0] * 16U,
                                   .vertices_per_page = 1U + data[1],
                                   .page_count = 8,
                                   .max_degree = 1U + data[2] % 255,
                                   .row_bits = data[3] / 8U,
                                   .row_count = 1000,
                                   .seed = 5,
                                   .edges = data[3] % 2 == 0
                                                ? layouts::EdgeCode::elias_fano(1U + data[3] * 300U)
                                                : layouts::EdgeCode::fixed_width(data[3] % 33U)};
    // Of its exact size on the heap, so that reading beyond it is seen.
    std::vector<std::byte> page(4096);
    std::memcpy(page.data() + 8, data + 4, std::min<std::size_t>(size - 4, 4088));
    const std::uint64_t checksum = base::checksum64(std::span(page).subspan(8), geometry.seed);
    std::memcpy(page.data(), &checksum, 8);
    std::uint32_t number = 0;
    std::memcpy(&number, page.data() + 8, 4);
    const auto view = layouts::PageView::open(geometry, PageId{number}, page);
    if (!view) return 0;
    std::vector<std::uint32_t> neighbors(geometry.max_degree);
    std::uint64_t sum = 0;
    for (std::uint32_t slot = 0; slot < view->slot_count(); ++slot) {
        view->neighbors(slot, neighbors.data());
        sum += neighbors[0] + static_cast<std::uint64_t>(view->row(slot));
        for (std::uint32_t i = 0; i < geometry.vector_bytes; ++i)
            sum += std::to_integer<unsigned>(
                view->vectors()[std::size_t{slot} * geometry.vector_bytes + i]);
    }
    return sum == 1 ? 1 : 0;
}
