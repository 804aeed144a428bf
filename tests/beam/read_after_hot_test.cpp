#include "beam/beam_search.h"
#include "beam/hot_records.h"
#include "quant/product_quantizer.h"

#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <utility>
#include <vector>

using namespace trackway;
using beam::BeamSearch;

namespace {

// A vertex on a line, with the places that its edges lead to.
struct Vertex {
    float x;
    std::vector<std::uint32_t> neighbors;
};

// A shard made by hand, each vertex with a codeword of its own: estimates are exact. Place is
// 6 x page + slot.
class LineShard {
public:
    // hot: slots of each page that are resident.
    LineShard(const std::vector<std::vector<Vertex>>& pages,
              const std::vector<std::vector<std::uint32_t>>& hot)
        : hot_(std::make_unique<beam::HotRecords>(description_.geometry)) {
        layouts::PageGeometry& geometry = description_.geometry;
        geometry = {.page_size_bytes = 4096,
                    .vector_bytes = sizeof(float),
                    .vertices_per_page = 6,
                    .page_count = static_cast<std::uint32_t>(pages.size()),
                    .max_degree = 8,
                    .row_bits = 8,
                    .row_count = 256,
                    .edges = layouts::EdgeCode::elias_fano(256)};
        description_.dimension = 1;
        std::vector<float> codewords(256, 0);
        for (std::uint32_t page = 0; page < pages.size(); ++page) {
            std::vector<layouts::VertexRecord> records;
            std::vector<std::byte> vectors(pages[page].size() * sizeof(float));
            for (std::size_t slot = 0; slot < pages[page].size(); ++slot) {
                const Vertex& vertex = pages[page][slot];
                std::byte* vector = vectors.data() + slot * sizeof(float);
                std::memcpy(vector, &vertex.x, sizeof(float));
                codewords[page * 6 + slot] = vertex.x;
                records.push_back({VectorId{page * 6 + slot}, vector, vertex.neighbors});
            }
            pages_.emplace_back(geometry.page_size_bytes);
            layouts::encode_page(geometry, PageId{page}, records, pages_.back());
            const auto view = layouts::PageView::open(geometry, PageId{page}, pages_.back());
            REQUIRE(view);
            if (!hot[page].empty()) hot_->add(PageId{page}, *view, hot[page]);
        }
        hot_->finish();
        for (std::uint32_t place = 0; place < 256; ++place)
            codes_.push_back(static_cast<std::uint8_t>(place));
        quantizer_ = std::make_unique<quant::ProductQuantizer>(1, 1, std::move(codewords));
    }

    beam::GraphView view() const {
        return {.description = description_,
                .codec = *quantizer_,
                .codes = {codes_.data(), 1},
                .hot = hot_.get()};
    }
    std::span<const std::byte> page(PageId page) const {
        return pages_[static_cast<std::uint32_t>(page)];
    }

private:
    layouts::GraphDescription description_;
    std::unique_ptr<quant::ProductQuantizer> quantizer_;
    std::vector<std::uint8_t> codes_;
    std::vector<std::vector<std::byte>> pages_;
    std::unique_ptr<beam::HotRecords> hot_;
};

// Searches from 0 on; the pages that it wanted, one after the other.
std::vector<PageId> run(BeamSearch& search, const LineShard& shard,
                        const beam::BeamParams& params) {
    const float query = 0;
    std::byte bytes[sizeof query];
    std::memcpy(bytes, &query, sizeof query);
    REQUIRE(search.start(bytes, params));
    std::vector<PageId> pages;
    while (!search.done()) {
        REQUIRE(search.wanted().size() == 1);
        pages.push_back(search.wanted().front());
        REQUIRE(search.absorb(pages.back(), shard.page(pages.back())));
    }
    return pages;
}

}  // namespace

TEST_SUITE("beam") {
    TEST_CASE("a page that is used from memory and read later gives every vertex once") {
        // From 0 to the resident 6 and 8, then from the page that they lie on to 7.
        const LineShard shard({{{200, {6}}}, {{100, {7, 8}}, {90, {}}, {95, {}}}}, {{}, {0, 2}});
        const beam::GraphView view = shard.view();
        BeamSearch search(view);
        CHECK(run(search, shard, {.k = 4, .search_list_size = 4}) ==
              std::vector<PageId>{PageId{0}, PageId{1}});
        REQUIRE(search.found().size() == 4);
        for (std::size_t i = 0; i < 4; ++i)
            CHECK(search.found()[i].vertex == std::vector<std::uint32_t>{7, 8, 6, 0}[i]);
        CHECK(search.counts().expanded_resident == 1);
    }

    TEST_CASE("a list kept from memory gives its room back when its page is read") {
        // Twice: a resident vertex brings a page-mate along, which is kept at hand; a third on the
        // page is nearer but not resident; when the page is read the page-mate is expanded at once.
        // Then a page comes of which as much is kept at hand as a search of this list may keep.
        const std::vector<std::vector<Vertex>> pages = {
            {{200, {6}}},
            {{100, {7, 8}}, {90, {}}, {95, {12}}},
            {{80, {13, 14}}, {70, {}}, {75, {18}}},
            {{60, {19, 20}}, {50, {}}, {51, {}}, {40, {}}, {41, {}}, {42, {}}}};
        const LineShard shard(pages, {{}, {0, 2}, {0, 2}, {}});
        const beam::GraphView view = shard.view();
        BeamSearch search(view);
        CHECK(run(search, shard, {.k = 2, .search_list_size = 2, .expand_share = 0.2F}).size() ==
              4);
        REQUIRE(search.found().size() == 2);
        CHECK(search.found()[0].vertex == 21);
        CHECK(search.found()[1].vertex == 22);
    }
}
