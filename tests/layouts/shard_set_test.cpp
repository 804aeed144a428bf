#include "layouts/shard_set.h"

#include "io/file.h"
#include "layouts/file_names.h"
#include "layouts/manifest.h"
#include "support/changed_text.h"
#include "support/expect.h"
#include "support/temp_folder.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

using namespace trackway;
using namespace trackway::layouts;

namespace {

ShardSet sample() {
    ShardSet set;
    for (std::uint8_t i = 0; i < 16; ++i)
        set.uuid[i] = static_cast<std::uint8_t>(13 * i);
    for (std::uint8_t i = 0; i < 16; ++i)
        set.partition[i] = static_cast<std::uint8_t>(11 * i);
    set.vectors = 1000;
    set.dimension = 4;
    set.element_type = ElementType::kInt8;
    set.metric = Metric::kInnerProduct;
    set.seed = 7;
    set.regions = 2;
    set.share_sought = 0.875F;
    set.shard_vectors = {600, 500};
    return set;
}

void write_text(const std::filesystem::path& path, const std::string& text) {
    REQUIRE(io::write_file(path, std::as_bytes(std::span(text))));
}

void write_router(const std::filesystem::path& folder, const ShardSet& set,
                  const std::vector<float>& values) {
    auto table = write_table(folder / shard_file_name(set.uuid, kGraphShard, ShardPart::kRouter),
                             set.uuid, router_shape(set), std::as_bytes(std::span(values)));
    REQUIRE(table);
    REQUIRE(table->publish());
}

}  // namespace

TEST_SUITE("layouts") {
    TEST_CASE("a set of shards gives back what was written") {
        const test::TempFolder folder;
        const auto parsed = parse_shard_set(shard_set_text(sample()), "m");
        REQUIRE(parsed);
        CHECK(*parsed == sample());
        write_text(folder / kManifestName, shard_set_text(sample()));
        const auto read = read_shard_set(folder.path());
        REQUIRE(read);
        CHECK(*read == sample());
        // As FORMAT.md shows it.
        CHECK(shard_set_text(sample()).find("\"checksum\": \"51ace96ef4843375\"") !=
              std::string::npos);
        CHECK(shard_folder("dir", sample(), 1).filename() ==
              "shard-0001." + uuid_text(sample().uuid).substr(0, 16));
    }

    TEST_CASE("every flipped bit and every truncation of a set is found") {
        test::expect_changes_found(shard_set_text(sample()), [](const std::string& text) {
            return parse_shard_set(text, "m");
        });
    }

    TEST_CASE("numbers beyond their range are refused by name") {
        const auto refused = [](const char* name, auto change) {
            ShardSet set = sample();
            change(set);
            const auto parsed = parse_shard_set(shard_set_text(set), "dir/manifest.json");
            REQUIRE_FALSE(parsed);
            CHECK(parsed.error().code == ErrorCode::kCorruption);
            CHECK(parsed.error().message.find(name) != std::string::npos);
            CHECK(parsed.error().message.find("dir/manifest.json") == 0);
        };
        refused("vectors", [](ShardSet& set) { set.vectors = 0; });
        refused("dimension", [](ShardSet& set) { set.dimension = kMaxDimension + 1; });
        refused("regions", [](ShardSet& set) { set.regions = 0; });
        refused("share_sought", [](ShardSet& set) { set.share_sought = 1.5F; });
        refused("shards", [](ShardSet& set) { set.shard_vectors.clear(); });
        refused("shards", [](ShardSet& set) { set.shard_vectors.assign(kMaxShards + 1, 1); });
        refused("vectors", [](ShardSet& set) { set.shard_vectors[1] = 1001; });
    }

    TEST_CASE("a shard that is not what the set says is refused by name") {
        Manifest shard;
        shard.vectors = 500;
        shard.dataset_rows = 1000;
        shard.dimension = 4;
        shard.element_type = ElementType::kInt8;
        shard.metric = Metric::kInnerProduct;
        shard.place = {sample().partition, 1};
        test::expect_ok(check_shard(sample(), 1, shard, "dir"));
        const auto refused = [&](const char* message, auto change) {
            Manifest other = shard;
            change(other);
            test::expect_error(check_shard(sample(), 1, other, "dir"), ErrorCode::kCorruption,
                               {message});
        };
        refused("dir: vectors: expected 500 by the set of shards, found 600",
                [](Manifest& other) { other.vectors = 600; });
        refused("dataset rows: expected 1000", [](Manifest& other) { other.dataset_rows = 999; });
        refused("dimension: expected 4", [](Manifest& other) { other.dimension = 5; });
        refused("element type", [](Manifest& other) { other.element_type = ElementType::kUint8; });
        refused("metric", [](Manifest& other) { other.metric = Metric::kL2; });
        refused("vector encoding", [](Manifest& other) { other.encoding = VectorEncoding::kSq8; });
        const std::string partition = uuid_text(sample().partition);
        const std::string expected =
            "dir: expected shard 1 of partition " + partition + " by the set of shards, found ";
        refused((expected + "shard 0 of partition " + partition).c_str(),
                [](Manifest& other) { other.place->shard = 0; });
        refused((expected + "shard 1 of partition ff0b").c_str(),
                [](Manifest& other) { other.place->partition[0] = 0xFF; });
        refused((expected + "an index that is no shard").c_str(),
                [](Manifest& other) { other.place.reset(); });
        // Format 1.3 did not say it.
        ShardSet old = sample();
        old.format_minor = 3;
        Manifest nameless = shard;
        nameless.place.reset();
        test::expect_ok(check_shard(old, 1, nameless, "dir"));
    }

    TEST_CASE("a set is no graph: reading it as one says where the graphs are") {
        const test::TempFolder folder;
        write_text(folder / kManifestName, shard_set_text(sample()));
        const auto graph = read_manifest(folder.path());
        REQUIRE_FALSE(graph);
        CHECK(graph.error().code == ErrorCode::kUnsupported);
        CHECK(graph.error().message.find("separate shards") != std::string::npos);
        CHECK(graph.error().message.find("shard-0000.") != std::string::npos);
    }

    TEST_CASE("where there is one graph, or nothing that can be read, there is no set") {
        const test::TempFolder folder;
        CHECK(read_shard_set(folder.path()) == std::nullopt);
        write_text(folder / kManifestName, "{");
        CHECK(read_shard_set(folder.path()) == std::nullopt);
        write_text(folder / kManifestName, "[3]");
        CHECK(read_shard_set(folder.path()) == std::nullopt);
    }

    TEST_CASE("a router holds finite centroids and shares of 0 to 1") {
        const test::TempFolder folder;
        const ShardSet set = sample();
        std::vector<float> values = {1, 2, 3, 4, 0.5F, 0.5F, -1, -2, -3, -4, 1, 0};
        write_router(folder.path(), set, values);
        CHECK(test::expect_value(read_router(folder.path(), set)) == values);
        for (const auto& [at, value, what] : {std::tuple{4U, 1.25F, "share"},
                                              {11U, -0.25F, "share"},
                                              {4U, NAN, "share"},
                                              {6U, INFINITY, "finite"}}) {
            std::vector<float> wrong = values;
            wrong[at] = value;
            write_router(folder.path(), set, wrong);
            const auto read = read_router(folder.path(), set);
            REQUIRE_FALSE(read);
            CHECK(read.error().code == ErrorCode::kCorruption);
            CHECK(read.error().message.find(what) != std::string::npos);
            CHECK(read.error().message.find("offset " + std::to_string(4096 + 4 * at)) !=
                  std::string::npos);
        }
    }

    TEST_CASE("names of shards' folders are known from others") {
        const std::string name = shard_folder_name(sample().uuid, 12);
        CHECK(is_shard_folder_name(name));
        CHECK_FALSE(is_index_file_name(name));
        CHECK(is_index_file_name(name + ".router"));
        CHECK(is_index_file_name(name + ".pages.partial"));
        for (const std::string& other :
             {name + "0", name + ".", name.substr(0, name.size() - 1), std::string("shard-0012"),
              std::string("shard-012.0123456789abcdef"), "x" + name, std::string()}) {
            CHECK_FALSE(is_shard_folder_name(other));
            CHECK_FALSE(is_index_file_name(other));
        }
    }
}
