#include "layouts/shard_file.h"

#include "base/checksum.h"
#include "io/file.h"
#include "layouts/verify_graph.h"
#include "support/temp_folder.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

using namespace trackway;
using namespace trackway::layouts;

namespace {

const Uuid kUuid = {9, 8, 7, 6, 5, 4, 3, 2, 1};

GraphDescription description() {
    GraphDescription shard;
    shard.geometry = {.page_size_bytes = 4096,
                      .vector_bytes = 8,
                      .vertices_per_page = 3,
                      .page_count = 2,
                      .max_degree = 4,
                      .row_bits = 3,
                      .row_count = 5,
                      .seed = page_seed(kUuid),
                      .edges = EdgeCode::elias_fano(7)};
    shard.vertex_count = 5;
    shard.dimension = 8;
    shard.entry_point = LocalId{1};
    shard.element_type = ElementType::kUint8;
    shard.metric = Metric::kL2;
    shard.page_order = PageOrder::kBreadthFirst;
    return shard;
}

// Five vertices on pages of three and two; places 0 1 2 | 3 4, place 5 empty.
struct Content {
    std::vector<std::uint32_t> edges[5] = {{1, 2}, {3}, {0, 4}, {0}, {}};
    std::uint64_t rows[5] = {4, 3, 2, 1, 0};
};

std::filesystem::path write(const test::TempFolder& folder, const Content& content) {
    const GraphDescription shard = description();
    const auto path = folder / "shard";
    auto writer = ShardFileWriter::create(path, kUuid, shard, {0, 0, 2, 5});
    REQUIRE(writer);
    const std::vector<std::byte> vector(8, std::byte{3});
    std::vector<std::byte> bytes(4096);
    for (std::uint32_t page = 0; page < 2; ++page) {
        std::vector<VertexRecord> records;
        for (std::uint32_t i = page * 3; i < std::min(5U, page * 3 + 3); ++i)
            records.push_back({VectorId{content.rows[i]}, vector.data(), content.edges[i]});
        encode_page(shard.geometry, PageId{page}, records, bytes);
        REQUIRE(writer->append(bytes));
    }
    REQUIRE(writer->file().publish());
    return path;
}

Manifest manifest_of_one_shard() {
    Manifest manifest;
    manifest.uuid = kUuid;
    manifest.vectors = 5;
    manifest.dimension = 8;
    manifest.element_type = ElementType::kUint8;
    manifest.code_bytes = 8;
    manifest.max_degree = 4;
    manifest.page_order = PageOrder::kBreadthFirst;
    manifest.shards = {{5, 3 * 4096}};
    return manifest;
}

Result<GraphFiles> open(const std::filesystem::path& path) {
    return GraphFiles::open({&path, 1}, manifest_of_one_shard());
}

std::string message_of(const std::filesystem::path& path) {
    const auto graph = open(path);
    if (!graph) return graph.error().message;
    const auto contents = verify_graph(*graph);
    return contents ? "" : contents.error().message;
}

template <class T>
void change(const std::filesystem::path& path, std::size_t offset, T value) {
    auto bytes = *io::read_file(path, 1 << 20);
    std::memcpy(bytes.data() + offset, &value, sizeof value);
    const std::uint64_t checksum = base::checksum64(std::span(bytes).subspan(16, 4096 - 16));
    std::memcpy(bytes.data() + 8, &checksum, sizeof checksum);
    REQUIRE(io::write_file(path, bytes));
}

}  // namespace

TEST_SUITE("layouts") {
    TEST_CASE("a shard gives back its description and verifies") {
        const test::TempFolder folder;
        const auto graph = open(write(folder, {}));
        REQUIRE(graph);
        CHECK(graph->geometry().page_count == 2);
        CHECK(graph->geometry().place_count() == 6);
        CHECK(graph->description().entry_point == LocalId{1});
        CHECK(graph->description().metric == Metric::kL2);
        const auto contents = verify_graph(*graph);
        REQUIRE(contents);
        CHECK(contents->vertices == 5);
        CHECK(contents->edges == 6);
        CHECK(contents->empty_places == 1);
    }

    TEST_CASE("every flipped bit of header and pages is found") {
        const test::TempFolder folder;
        const auto path = write(folder, {});
        const auto good = *io::read_file(path, 1 << 20);
        for (std::size_t byte = 0; byte < good.size(); byte += byte < 4096 ? 1 : 7) {
            CAPTURE(byte);
            auto bad = good;
            bad[byte] ^= std::byte{1} << (byte % 8);
            REQUIRE(io::write_file(path, bad));
            REQUIRE(message_of(path) != "");
        }
    }

    TEST_CASE("truncated and extended shards are refused with both sizes") {
        const test::TempFolder folder;
        const auto path = write(folder, {});
        const auto good = *io::read_file(path, 1 << 20);
        REQUIRE(io::write_file(path, std::span(good).first(good.size() - 512)));
        CHECK(message_of(path).find("expected 12288 bytes for 2 pages, found 11776") !=
              std::string::npos);
        REQUIRE(io::write_file(path, std::span(good).first(1000)));
        CHECK(message_of(path).find("expected 4096 bytes, found 1000") != std::string::npos);
    }

    TEST_CASE("a header with a right checksum and wrong numbers is refused") {
        struct Case {
            std::size_t offset;
            std::uint32_t value;
            const char* message;
        };
        for (const Case& c :
             {Case{40, 5000, "page size"}, Case{40, 1U << 30U, "page size"}, Case{44, 0, "pages"},
              Case{48, 7, "vertices"}, Case{52, 70000, "vertices per page"},
              Case{56, 0, "dimension"}, Case{60, 256, "max degree"}, Case{64, 6, "entry point"},
              Case{68, 0x01030302, "neighbor bits"}, Case{88, 5, "place limit"},
              Case{84, 1, "reserved"}, Case{72, 2, "rows"}, Case{80, 9, "page order"},
              Case{4000, 1, "reserved"}, Case{100, 0xffffffff, "places"}, Case{44, 3, "pages"},
              Case{96, 1, "first page"}, Case{100, 1, "pages"}, Case{104, 9, "graph vertices"}}) {
            CAPTURE(std::string(c.message));
            const test::TempFolder folder;
            const auto path = write(folder, {});
            change(path, c.offset, c.value);
            CHECK(message_of(path).find(c.message) != std::string::npos);
        }
    }

    TEST_CASE("edges to empty places and rows that stand twice are found by verifying") {
        Content edge;
        edge.edges[4] = {5};
        Content row;
        row.rows[4] = 3;
        {
            const test::TempFolder folder;
            CHECK(message_of(write(folder, edge)).find("neighbour 5: no such vertex") !=
                  std::string::npos);
        }
        const test::TempFolder folder;
        CHECK(message_of(write(folder, row)).find("row 3 stands twice") != std::string::npos);
    }
}
