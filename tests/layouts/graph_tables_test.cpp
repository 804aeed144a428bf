#include "layouts/graph_tables.h"

#include "support/expect.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace trackway;
using namespace trackway::layouts;

namespace {

using Numbers = std::vector<std::uint32_t>;

Manifest manifest_of_two_shards() {
    Manifest manifest;
    manifest.dimension = 96;
    manifest.code_bytes = 32;
    manifest.navigation_degree = 3;
    manifest.shards = {{.vectors = 100}, {.vectors = 200}};
    manifest.tables = {.navigation_vertices = 2, .hot_vertices = 50};
    return manifest;
}

// Rows of place, degree, three numbers of rows.
Numbers navigation() {
    return {7, 2, 1, 2, 0, 9, 0, 0, 0, 0, 0, 3, 0, 1, 2};
}

Status check(const Numbers& values) {
    return check_navigation("dir/table", values, 3, 10);
}

}  // namespace

TEST_SUITE("layouts") {
    TEST_CASE("a graph has the tables of its format, co-visits only where they were kept") {
        Manifest manifest = manifest_of_two_shards();
        using Parts = std::vector<ShardPart>;
        CHECK(table_parts(manifest) == Parts{ShardPart::kCodes, ShardPart::kCodebook,
                                             ShardPart::kNavigation, ShardPart::kHot});
        manifest.tables.covisit_edges = 700;
        CHECK(table_parts(manifest) == Parts{ShardPart::kCodes, ShardPart::kCodebook,
                                             ShardPart::kNavigation, ShardPart::kHot,
                                             ShardPart::kCovisits});
        manifest.format_minor = 0;
        CHECK(table_parts(manifest) == Parts{ShardPart::kCodes, ShardPart::kCodebook});
    }

    TEST_CASE("the shape of each table follows from manifest and graph") {
        Manifest manifest = manifest_of_two_shards();
        manifest.tables.covisit_edges = 700;
        GraphDescription shard;
        shard.geometry.page_count = 13;
        shard.geometry.vertices_per_page = 17;
        struct Case {
            ShardPart part;
            TableKind kind;
            std::uint32_t row_bytes;
            std::uint64_t row_count;
        };
        for (const Case& c : {Case{ShardPart::kCodes, TableKind::kCodes, 32, 13 * 17},
                              Case{ShardPart::kCodebook, TableKind::kCodebook, 1024, 96},
                              Case{ShardPart::kNavigation, TableKind::kNavigation, 20, 2},
                              Case{ShardPart::kHot, TableKind::kHot, 4, 50},
                              Case{ShardPart::kCovisits, TableKind::kCovisits, 12, 700}}) {
            const TableShape shape = table_shape(c.part, manifest, shard);
            CAPTURE(static_cast<std::uint32_t>(c.kind));
            CHECK(static_cast<std::uint32_t>(shape.kind) == static_cast<std::uint32_t>(c.kind));
            CHECK(shape.row_bytes == c.row_bytes);
            CHECK(shape.row_count == c.row_count);
        }
    }

    TEST_CASE("a navigation table may name places and rows that there are, no others") {
        CHECK(check(navigation()));
        CHECK(check({}));
        struct Case {
            std::size_t at;
            std::uint32_t value;
            const char* row;
        };
        for (const Case& c :
             {Case{0, 10, "row 0"}, Case{0, UINT32_MAX, "row 0"}, Case{1, 4, "row 0"},
              Case{6, UINT32_MAX, "row 1"}, Case{2, 3, "row 0"}, Case{14, 3, "row 2"},
              Case{12, UINT32_MAX, "row 2"}}) {
            CAPTURE(c.at);
            Numbers values = navigation();
            values[c.at] = c.value;
            const std::string offset =
                "offset " + std::to_string(kHeaderBytes + c.at / 5 * 5 * sizeof(std::uint32_t));
            test::expect_error(check(values), ErrorCode::kCorruption,
                               {"dir/table: ", offset, c.row, "beyond its range"});
        }
        Numbers unused = navigation();
        unused[4] = UINT32_MAX;  // behind the degree
        CHECK(check(unused));
    }

    TEST_CASE("a list of places may name each place once") {
        CHECK(check_places("dir/table", {}, 10));
        CHECK(check_places("dir/table", Numbers{9, 0, 5}, 10));
        CHECK(check_places("dir/table", Numbers{0}, 1));
        test::expect_error(check_places("dir/table", Numbers{9, 0, 10}, 10), ErrorCode::kCorruption,
                           {"dir/table: offset 4104", "a place below 10, once, found 10"});
        test::expect_error(check_places("dir/table", Numbers{UINT32_MAX}, 10),
                           ErrorCode::kCorruption, {"offset 4096"});
        test::expect_error(check_places("dir/table", Numbers{3, 4, 3}, 10), ErrorCode::kCorruption,
                           {"offset 4104", "once, found 3"});
    }
}
