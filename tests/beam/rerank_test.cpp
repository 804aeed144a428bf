#include "beam/rerank.h"

#include "support/random_vectors.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

using namespace trackway;
using graph::Candidate;

namespace {

constexpr std::uint32_t kPlaces = 50;
constexpr std::uint32_t kDimension = 200;

// Place p holds row 100 + p.
struct ExactPages {
    test::Vectors vectors = test::random_vectors(kPlaces, kDimension, ElementType::kFloat32, 1);
    layouts::VectorsGeometry geometry{.page_size_bytes = 4096,
                                      .row_bytes = kDimension * 4,
                                      .rows_per_page = 5,
                                      .page_count = 10,
                                      .place_count = kPlaces,
                                      .seed = 7};

    std::vector<std::byte> page(PageId id) const {
        std::vector<std::byte> bytes(4096);
        const auto first = static_cast<std::uint32_t>(id) * geometry.rows_per_page;
        std::memcpy(layouts::rows_on_page(geometry, bytes).data(), vectors.view.row(first),
                    std::size_t{geometry.rows_per_page} * geometry.row_bytes);
        layouts::seal_vectors_page(geometry, id, bytes);
        return bytes;
    }
};

std::vector<Candidate> every_third() {
    std::vector<Candidate> found;
    for (std::uint32_t place = 0; place < kPlaces; place += 3)
        found.push_back({static_cast<float>(place * 17 % 50), 100 + place, place});
    return found;
}

}  // namespace

TEST_SUITE("beam") {
    TEST_CASE("reranking gives exact distances in order, however many pages come at a time") {
        const ExactPages pages;
        const auto query = test::random_vectors(1, kDimension, ElementType::kFloat32, 2);
        const auto found = every_third();
        const auto measure = distance::distance_function(Metric::kL2, ElementType::kFloat32);
        std::vector<Candidate> expected;
        for (const Candidate& c : found) {
            float distance = 0;
            measure(query.bytes.data(), {pages.vectors.view.row(c.mark), 0, nullptr, 1}, kDimension,
                    &distance);
            expected.push_back({distance, c.vertex, 0});
        }
        std::sort(expected.begin(), expected.end(), graph::nearer);
        beam::Rerank rerank(pages.geometry, Metric::kL2, ElementType::kFloat32, kDimension);
        for (const std::uint32_t width : {1U, 3U, 100U}) {
            CAPTURE(width);
            rerank.start(query.bytes.data(), found, 6, width);
            std::set<PageId> read;
            while (!rerank.done()) {
                std::vector<PageId> wanted(rerank.wanted().begin(), rerank.wanted().end());
                REQUIRE(wanted.size() <= width);
                std::reverse(wanted.begin(), wanted.end());
                for (const PageId page : wanted) {
                    CHECK(read.insert(page).second);
                    REQUIRE(rerank.absorb(page, pages.page(page)));
                }
            }
            CHECK(rerank.pages() == read.size());
            CHECK(rerank.pages() == 10);
            CHECK(rerank.exact_distances() == found.size());
            REQUIRE(rerank.found().size() == 6);
            for (std::size_t i = 0; i < 6; ++i) {
                CHECK(rerank.found()[i].vertex == expected[i].vertex);
                CHECK(rerank.found()[i].distance == expected[i].distance);
            }
        }
    }

    TEST_CASE("a damaged page of exact vectors is an error with its offset") {
        const ExactPages pages;
        const auto query = test::random_vectors(1, kDimension, ElementType::kFloat32, 2);
        const std::vector<Candidate> found = {{1, 107, 7}};
        beam::Rerank rerank(pages.geometry, Metric::kL2, ElementType::kFloat32, kDimension);
        rerank.start(query.bytes.data(), found, 1, 4);
        REQUIRE(rerank.wanted().size() == 1);
        auto bytes = pages.page(PageId{1});
        bytes[2000] ^= std::byte{1};
        const Status status = rerank.absorb(PageId{1}, bytes);
        REQUIRE_FALSE(status);
        CHECK(status.error().message.find("offset 8192: page 1: checksum") == 0);
    }
}
