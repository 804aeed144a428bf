#include "build/work_folder.h"

#include "support/temp_folder.h"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

using namespace trackway;
using namespace trackway::builder;
namespace fs = std::filesystem;

namespace {

void write(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

bool finds(const WorkFolder& work, const StageKey& key, StageOutput* output = nullptr) {
    StageOutput found;
    const auto is_done = work.find("graph-0003", key, found);
    REQUIRE(is_done);
    if (output != nullptr) *output = found;
    return *is_done;
}

}  // namespace

TEST_SUITE("build") {
    TEST_CASE("a finished stage is found again with what it left") {
        const test::TempFolder folder;
        const auto work = WorkFolder::open(folder / "work");
        REQUIRE(work);
        const StageKey key = stage_key("graph", {});
        CHECK_FALSE(finds(*work, key));
        write(work->file("edges"), "some edges");
        REQUIRE(work->finish("graph-0003", key, {{"edges"}, {7, UINT64_MAX}}));
        StageOutput output;
        REQUIRE(finds(*work, key, &output));
        CHECK(output.files == std::vector<std::string>{"edges"});
        CHECK(output.values == std::vector<std::uint64_t>{7, UINT64_MAX});
    }

    TEST_CASE("another key, a changed file or a damaged record is as good as none") {
        const test::TempFolder folder;
        const auto work = WorkFolder::open(folder / "work");
        REQUIRE(work);
        const StageKey key = stage_key("graph", {});
        write(work->file("edges"), "some edges");
        REQUIRE(work->finish("graph-0003", key, {{"edges"}, {7}}));
        const StageKey before[] = {key};
        CHECK_FALSE(finds(*work, stage_key("graph", before)));
        write(work->file("edges"), "some edgeS");
        CHECK_FALSE(finds(*work, key));
        write(work->file("edges"), "some");
        CHECK_FALSE(finds(*work, key));
        fs::remove(work->file("edges"));
        CHECK_FALSE(finds(*work, key));
        write(work->file("edges"), "some edges");
        CHECK(finds(*work, key));
        std::ofstream(work->file("graph-0003.stage"), std::ios::app) << "value 8\n";
        CHECK_FALSE(finds(*work, key));
    }

    TEST_CASE("files that a build does not make are left alone") {
        const test::TempFolder folder;
        const auto work = WorkFolder::open(folder / "work");
        REQUIRE(work);
        write(work->file("notes.txt"), "mine");
        write(work->file("edges"), "some edges");
        work->remove();
        CHECK(fs::exists(work->file("notes.txt")));
        CHECK_FALSE(fs::exists(work->file("edges")));
        REQUIRE(WorkFolder::open(folder / "work"));  // it stays a build's
        fs::remove(work->file("notes.txt"));
        work->remove();
        CHECK_FALSE(fs::exists(folder / "work"));
    }

    TEST_CASE("a folder without a marker is taken where a build can have left it so") {
        const test::TempFolder folder;
        const auto path = folder / "work";
        CHECK_FALSE(WorkFolder::open_existing(path));
        fs::create_directory(path);
        for (const bool half_written : {false, true}) {
            if (half_written) std::ofstream(path / "trackway-build.partial") << "What";
            CHECK(WorkFolder::open_existing(path));
            REQUIRE(WorkFolder::open(path));
            CHECK(fs::exists(path / "trackway-build"));
            fs::remove(path / "trackway-build");
        }
        fs::create_directory(path / "thesis");
        CHECK_FALSE(WorkFolder::open(path));
        CHECK_FALSE(WorkFolder::open_existing(path));
        fs::remove(path / "thesis");
        fs::rename(path, folder / "elsewhere");
        fs::create_directory_symlink(folder / "elsewhere", path);
        CHECK_FALSE(WorkFolder::open(path));
    }

    TEST_CASE("tidying keeps finished stages and nothing else that is half-written") {
        const test::TempFolder folder;
        const auto work = WorkFolder::open(folder / "work");
        REQUIRE(work);
        write(work->file("edges.partial"), "half");
        work->tidy();
        CHECK_FALSE(fs::exists(folder / "work"));
        const auto again = WorkFolder::open(folder / "work");
        REQUIRE(again);
        write(again->file("edges"), "all");
        write(again->file("codes.partial"), "half");
        REQUIRE(again->finish("merge", stage_key("merge", {}), {{"edges"}, {}}));
        again->tidy();
        CHECK(fs::exists(again->file("edges")));
        CHECK(fs::exists(again->file("merge.stage")));
        CHECK_FALSE(fs::exists(again->file("codes.partial")));
    }
}
