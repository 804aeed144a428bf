#include "layouts/verify_index.h"

#include "layouts/graph_files.h"
#include "layouts/graph_tables.h"
#include "layouts/shard_set.h"
#include "layouts/verify_graph.h"
#include "support/expect.h"
#include "support/sealed_files.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <span>
#include <string>

using namespace trackway;
using namespace trackway::layouts;
namespace fs = std::filesystem;

namespace {

// Two shards, pages that are not full.
constexpr const char* kShards = "golden/v1.3-shards/index";
constexpr const char* kWithCovisits = "golden/v1.5/index";
constexpr const char* kSeparate = "golden/v1.5-separate/index";
constexpr const char* kEncoded = "fuzz/index/pq";

fs::path part_of(const fs::path& index, ShardPart part, std::uint32_t shard = kGraphShard) {
    return index / shard_file_name(test::expect_value(read_manifest(index)).uuid, shard, part);
}

// A number of the header, or of the rows behind it.
template <class T>
void change(const fs::path& path, std::size_t offset, T value) {
    test::Bytes bytes = test::bytes_of(path);
    REQUIRE(offset + sizeof value <= bytes.size());
    std::memcpy(bytes.data() + offset, &value, sizeof value);
    FileStart start{};
    std::memcpy(&start, bytes.data(), sizeof start);
    if (start.magic == kTableMagic) test::seal_table(bytes, start.index_uuid);
    test::seal_header(bytes);
    test::save(path, bytes);
}

void patch(const fs::path& index, const char* fields) {
    const fs::path path = index / kManifestName;
    const std::string text = test::patched_manifest(test::text_of(path), fields);
    test::save(path, std::as_bytes(std::span(text)));
}

std::uint32_t empty_place(const fs::path& index) {
    const auto graph =
        test::expect_value(GraphFiles::open(index, test::expect_value(read_manifest(index))));
    const auto contents = test::expect_value(verify_graph(graph));
    for (std::uint32_t place = 0; place < graph.geometry().place_count(); ++place)
        if (!contents.holds(graph.geometry(), place)) return place;
    FAIL("every place holds a vertex");
    return 0;
}

}  // namespace

TEST_SUITE("layouts") {
    TEST_CASE("an index of every kind verifies") {
        for (const char* name : {kShards, kWithCovisits, kSeparate, kEncoded, "golden/v1.0/index",
                                 "fuzz/index/opq", "fuzz/index/rabitq"}) {
            CAPTURE(std::string(name));
            test::expect_ok(verify_index(fs::path(TRACKWAY_TESTS) / name));
        }
    }

    TEST_CASE("tables that name an empty place are found by verifying") {
        struct Case {
            ShardPart part;
            const char* suffix;
        };
        for (const Case& c :
             {Case{ShardPart::kNavigation, ".navigation"}, Case{ShardPart::kHot, ".hot"}}) {
            const test::TempFolder folder;
            const fs::path index = test::copy_index(folder, kShards);
            const std::uint32_t place = empty_place(index);
            change(part_of(index, c.part), kHeaderBytes, place);
            test::expect_error(
                verify_index(index), ErrorCode::kCorruption,
                {c.suffix, "offset 4096", "place " + std::to_string(place), "no such vertex"});
        }
    }

    TEST_CASE("numbers of tables beyond their range are found by verifying") {
        for (const ShardPart part : {ShardPart::kNavigation, ShardPart::kHot}) {
            const test::TempFolder folder;
            const fs::path index = test::copy_index(folder, kShards);
            change(part_of(index, part), kHeaderBytes, UINT32_MAX);
            test::expect_error(verify_index(index), ErrorCode::kCorruption, {"offset 4096"});
        }
    }

    TEST_CASE("co-visits are of two vertices and weigh something") {
        const float infinity = std::numeric_limits<float>::infinity();
        for (const float weight : {0.0F, -1.0F, infinity}) {
            const test::TempFolder folder;
            const fs::path index = test::copy_index(folder, kWithCovisits);
            change(part_of(index, ShardPart::kCovisits), kHeaderBytes + 12 + 8, weight);
            test::expect_error(verify_index(index), ErrorCode::kCorruption,
                               {".covisits: offset 4108", "a weight above 0"});
        }
        for (const std::size_t end : {0U, 4U}) {
            const test::TempFolder folder;
            const fs::path index = test::copy_index(folder, kWithCovisits);
            change(part_of(index, ShardPart::kCovisits), kHeaderBytes + end, 10U);
            test::expect_error(verify_index(index), ErrorCode::kCorruption,
                               {".covisits: offset 4096", "expected two vertices"});
        }
    }

    TEST_CASE("an entry point without a vertex is found by verifying") {
        const test::TempFolder folder;
        const fs::path index = test::copy_index(folder, kShards);
        const std::uint32_t place = empty_place(index);
        for (const std::uint32_t shard : {0U, 1U})
            change(part_of(index, ShardPart::kPages, shard), offsetof(ShardHeader, entry_point),
                   place);
        test::expect_error(verify_index(index), ErrorCode::kCorruption,
                           {"entry point " + std::to_string(place), "found an empty place"});
    }

    TEST_CASE("vectors of another page or with bytes behind the header are found by verifying") {
        const test::TempFolder folder;
        const fs::path index = test::copy_index(folder, kEncoded);
        const fs::path path = part_of(index, ShardPart::kVectors);
        test::Bytes bytes = test::bytes_of(path);
        bytes[4096 + 8] ^= std::byte{1};
        test::save(path, bytes);
        test::expect_error(verify_index(index), ErrorCode::kCorruption,
                           {".vectors: offset 4096: page"});
        fs::remove(path);
        test::expect_error(verify_index(index), ErrorCode::kNotFound, {".vectors"});
    }

    TEST_CASE("pages that are not what the manifest says are refused by name") {
        struct Case {
            const char* fields;
            const char* message;
        };
        for (const Case& c : {Case{R"({"element_type": "int8"})", "element type: expected"},
                              Case{R"({"metric": "ip"})", "metric: expected"},
                              Case{R"({"dimension": 7})", "dimension: expected 7 by the manifest"},
                              Case{R"({"max_degree": 17})", "max degree: expected 17"},
                              Case{R"({"page_order": "covisit"})", "page order: expected"},
                              Case{R"({"code_bytes": 7})", "code bytes: expected at most 6"},
                              Case{R"({"tables": {"hot_vertices": 7}})", "rows: expected 7"},
                              Case{R"({"shards": [{"vectors": 2400, "pages_bytes": 36864}]})",
                                   "vertices: expected 2400 by the manifest"}}) {
            CAPTURE(std::string(c.fields));
            const test::TempFolder folder;
            const fs::path index = test::copy_index(folder, kShards);
            patch(index, c.fields);
            test::expect_error(verify_index(index), ErrorCode::kCorruption, {c.message});
        }
    }

    TEST_CASE("files of one graph that disagree are refused by name") {
        struct Case {
            std::size_t offset;
            std::uint32_t value;
            const char* message;
        };
        for (const Case& c :
             {Case{offsetof(ShardHeader, first_page), 7, "first page: expected 8"},
              Case{offsetof(ShardHeader, entry_point), 109, "entry point: expected 108"},
              Case{offsetof(ShardHeader, place_limit), 2753, "place limit: expected 2752"}}) {
            CAPTURE(std::string(c.message));
            const test::TempFolder folder;
            const fs::path index = test::copy_index(folder, kShards);
            change(part_of(index, ShardPart::kPages, 1), c.offset, c.value);
            test::expect_error(verify_index(index), ErrorCode::kCorruption,
                               {"shard-0001", c.message, "by the shards before"});
        }
    }

    TEST_CASE("separate shards are those of their set, all of them") {
        const test::TempFolder folder;
        const fs::path index = test::copy_index(folder, kSeparate);
        const auto set = test::expect_value(read_shard_set(index));
        REQUIRE(set);
        const fs::path first = shard_folder(index, *set, 0);
        const fs::path second = shard_folder(index, *set, 1);
        fs::rename(second, folder / "kept");
        test::expect_error(verify_index(index), ErrorCode::kNotFound, {second.string()});
        fs::copy(first, second);
        test::expect_error(verify_index(index), ErrorCode::kCorruption,
                           {second.string(), "by the set of shards"});
        fs::remove_all(second);
        fs::rename(folder / "kept", second);
        test::expect_ok(verify_index(index));
        fs::remove(index / shard_file_name(set->uuid, kGraphShard, ShardPart::kRouter));
        test::expect_error(verify_index(index), ErrorCode::kNotFound, {".router"});
    }
}
