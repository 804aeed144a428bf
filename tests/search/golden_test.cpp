// Indexes of every format version ever released are opened and searched for ever.
#include "trackway/index.h"
#include "trackway/vector_file.h"

#include "layouts/verify_shard.h"
#include "support/searched_shard.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <vector>

using namespace trackway;

TEST_SUITE("golden") {
    TEST_CASE("golden indexes verify and find each of their vectors") {
        std::size_t versions = 0;
        for (const auto& entry : std::filesystem::directory_iterator(TRACKWAY_GOLDEN)) {
            if (!entry.is_directory()) continue;
            ++versions;
            CAPTURE(entry.path().string());
            const auto opened = test::open_shard(entry.path() / "index");
            CHECK(layouts::verify_shard(opened.shard->file));
            const auto file = VectorFile::open(entry.path() / "base.u8bin");
            REQUIRE(file);
            std::vector<std::byte> rows(file->row_count() * file->row_bytes());
            REQUIRE(file->read(0, rows));
            const auto index = Index::open(entry.path() / "index", {.thread_count = 1});
            REQUIRE(index);
            std::vector<Neighbor> out(file->row_count());
            REQUIRE(index->search(
                {rows.data(), file->element_type(), file->row_count(), file->dimension()},
                {.k = 1, .search_list_size = 10}, out));
            for (std::uint64_t i = 0; i < out.size(); ++i) {
                CHECK(out[i].id == VectorId{i});
                CHECK(out[i].distance == 0);
            }
        }
        CHECK(versions == 1);
    }
}
