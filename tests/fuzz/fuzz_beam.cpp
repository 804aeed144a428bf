// Whatever is on the pages that a search is given, under right checksums: it ends, with vertices
// found or an error.
#include "beam/beam_search.h"
#include "fuzz/edited_index.h"
#include "search/opened_graph.h"

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <utility>
#include <vector>

using namespace trackway;

namespace {

search::OpenedGraph open_small() {
    static const test::TempFolder folder;
    const auto index = test::copy_index(folder, "fuzz/index/opq");
    const auto manifest = layouts::read_manifest(index);
    TRACKWAY_ASSERT(manifest.has_value());
    auto graph = search::OpenedGraph::open(index, *manifest);
    TRACKWAY_ASSERT(graph.has_value());
    return std::move(*graph);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const search::OpenedGraph graph = open_small();
    static const test::Bytes right = test::bytes_of(graph.files.shards().front().file.path());
    static const test::Vectors query = test::random_vectors(
        1, graph.files.description().dimension, graph.files.description().element_type, 3);
    if (size < 2) return 0;
    test::Bytes pages = right;
    fuzz::edit(pages, {data + 2, size - 2});
    const layouts::PageGeometry& geometry = graph.geometry();
    pages.resize(right.size());
    test::seal_pages(pages, geometry.seed);
    const beam::GraphView view = graph.view();
    beam::BeamSearch search(view);
    const beam::BeamParams params{.k = 5,
                                  .search_list_size = 5U + data[0] % 64,
                                  .beam_width = 1U + data[1] % 4,
                                  .expand_share = static_cast<float>(data[1]) / 255};
    Status status = search.start(query.bytes.data(), params);
    // A page is wanted once; a second time only for a vertex that it turns out not to hold.
    std::set<PageId> before;
    while (status && !search.done()) {
        const std::vector<PageId> wanted(search.wanted().begin(), search.wanted().end());
        bool again = false;
        for (const PageId page : wanted)
            again = !before.insert(page).second || again;
        for (const PageId page : wanted) {
            const auto bytes =
                std::span(pages).subspan(geometry.offset_of(page), geometry.page_size_bytes);
            if (status) status = search.absorb(page, bytes);
        }
        TRACKWAY_ASSERT(!again || !status);
    }
    return 0;
}
