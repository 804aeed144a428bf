// Indexes of every format version ever released are opened and searched for ever.
#include "trackway/builder.h"
#include "trackway/index.h"
#include "trackway/vector_file.h"

#include "layouts/graph_files.h"
#include "layouts/manifest.h"
#include "layouts/shard_set.h"
#include "layouts/verify_graph.h"
#include "support/temp_folder.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

using namespace trackway;

namespace {

namespace fs = std::filesystem;

layouts::GraphFiles verify(const fs::path& index_dir) {
    const auto manifest = layouts::read_manifest(index_dir);
    REQUIRE(manifest);
    auto graph = layouts::GraphFiles::open(index_dir, *manifest);
    REQUIRE(graph);
    CHECK(layouts::verify_graph(*graph));
    return std::move(*graph);
}

std::optional<layouts::ShardSet> set_in(const fs::path& index_dir) {
    const auto set = layouts::read_shard_set(index_dir);
    REQUIRE(set);
    return *set;
}

void check_finds_all(const fs::path& index_dir, const fs::path& vectors,
                     std::optional<double> share_sought = {}) {
    const auto file = VectorFile::open(vectors);
    REQUIRE(file);
    std::vector<std::byte> rows(file->row_count() * file->row_bytes());
    REQUIRE(file->read(0, rows));
    const auto index = Index::open(index_dir, {.thread_count = 1});
    REQUIRE(index);
    std::vector<Neighbor> out(file->row_count());
    REQUIRE(index->search({rows.data(), file->element_type(), file->row_count(), file->dimension()},
                          {.k = 1, .search_list_size = 40, .share_sought = share_sought}, out));
    for (std::uint64_t i = 0; i < out.size(); ++i) {
        CHECK(out[i].id == VectorId{i});
        CHECK(out[i].distance == 0);
    }
}

}  // namespace

TEST_SUITE("golden") {
    TEST_CASE("golden indexes verify and find each of their vectors") {
        std::size_t versions = 0;
        for (const auto& entry : std::filesystem::directory_iterator(TRACKWAY_GOLDEN)) {
            if (!entry.is_directory() || set_in(entry.path() / "index")) continue;
            ++versions;
            CAPTURE(entry.path().string());
            verify(entry.path() / "index");
            check_finds_all(entry.path() / "index", entry.path() / "base.u8bin");
        }
        CHECK(versions == 7);
    }

    TEST_CASE("golden sets of separate shards verify and find each of their vectors") {
        for (const char* name : {"v1.3-separate", "v1.4-separate", "v1.5-separate"}) {
            CAPTURE(name);
            const fs::path folder = fs::path(TRACKWAY_GOLDEN) / name;
            const auto set = set_in(folder / "index");
            REQUIRE(set);
            REQUIRE(set->shard_vectors.size() == 2);
            for (std::uint32_t shard = 0; shard < 2; ++shard)
                verify(layouts::shard_folder(folder / "index", *set, shard));
            check_finds_all(folder / "index", folder / "base.u8bin", 1);
        }
    }

    TEST_CASE("golden indexes are reordered, into the present format") {
        for (const auto& entry : fs::directory_iterator(TRACKWAY_GOLDEN)) {
            if (!entry.is_directory() || set_in(entry.path() / "index")) continue;
            CAPTURE(entry.path().string());
            const auto vectors = entry.path() / "base.u8bin";
            const test::TempFolder folder;
            fs::copy(entry.path() / "index", folder / "index");
            const bool is_first = entry.path().filename() == "v1.0";
            for (const PageOrder order : {PageOrder::kAffinity, PageOrder::kInsertion}) {
                if (order == PageOrder::kInsertion && !is_first) continue;  // any version will do
                const auto report = relayout({.index_dir = folder / "index",
                                              .workload = vectors,
                                              .page_order = order,
                                              .thread_count = 1});
                if (!report) FAIL(report.error().message);
                const auto graph = verify(folder / "index");
                CHECK(graph.description().page_order == order);
                CHECK(graph.geometry().edges.width() == 0);
                check_finds_all(folder / "index", vectors);
            }
            const auto manifest = layouts::read_manifest(folder / "index");
            REQUIRE(manifest);
            CHECK(manifest->format_minor == kFormatMinor);
        }
    }
}
