// A damaged index is made whole from a copy, even a damaged one.
#include "trackway/builder.h"

#include "support/built_index.h"
#include "support/file_bytes.h"
#include "support/folder_contents.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

using namespace trackway;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kPage = 4096;

// An index and its copy, for each test case anew.
struct TwoCopies {
    TwoCopies() {
        build_into(built, test::random_vectors(600, 12, ElementType::kFloat32, 1),
                   [&](BuildOptions&) { write_workload(built, 32); });
        fs::copy(built.path(), copy, fs::copy_options::recursive);
        whole = test::contents(copy);
    }

    fs::path file(const fs::path& folder, const std::string& extension) const {
        for (const auto& entry : fs::directory_iterator(folder))
            if (entry.path().extension() == extension) return entry.path();
        FAIL("no such file");
        return {};
    }
    static void spoil(const fs::path& path, std::uint64_t at) {
        std::fstream stream(path, std::ios::binary | std::ios::in | std::ios::out);
        stream.seekp(static_cast<std::streamoff>(at));
        stream.write("spoilt", 6);
        REQUIRE(stream.good());
    }

    test::BuiltIndex built;
    fs::path copy = built.folder / "copy";
    test::Contents whole;
};

}  // namespace

TEST_SUITE("build") {
    TEST_CASE("what is damaged in either is taken from the other") {
        TwoCopies two;
        const fs::path index = two.built.path();
        two.spoil(two.file(index, ".pages"), kPage + 100);
        two.spoil(two.file(index, ".pages"), 3 * kPage + 100);
        two.spoil(two.file(index, ".codes"), kPage + 100);
        two.spoil(two.file(two.copy, ".pages"), 2 * kPage + 100);
        two.spoil(two.file(two.copy, ".hot"), kPage + 4);
        const auto report = test::expect_value(repair(index, two.copy));
        CHECK(report.pages == 2);
        CHECK(report.tables == 1);
        CHECK(test::contents(index) == two.whole);
        const auto back = test::expect_value(repair(two.copy, index));
        CHECK(back.pages == 1);
        CHECK(back.tables == 1);
        CHECK(test::contents(two.copy) == two.whole);
        const auto nothing = test::expect_value(repair(index, two.copy));
        CHECK(nothing.pages + nothing.tables == 0);
    }

    TEST_CASE("what is damaged in both is named, the rest is mended") {
        TwoCopies two;
        const fs::path index = two.built.path();
        const fs::path pages = two.file(index, ".pages");
        for (const std::uint64_t page : {2U, 4U})
            two.spoil(pages, page * kPage + 100);
        two.spoil(two.file(two.copy, ".pages"), 4 * kPage + 200);
        test::expect_error(repair(index, two.copy), ErrorCode::kCorruption,
                           {pages.string(), "offset 16384", "nor"});
    }

    TEST_CASE("headers, manifest, lengths and missing files") {
        TwoCopies two;
        const fs::path index = two.built.path();
        const auto is_mended = [&] {
            test::expect_value(repair(index, two.copy));
            return test::contents(index) == two.whole;
        };
        for (const auto& entry : fs::directory_iterator(two.copy)) {
            const fs::path path = index / entry.path().filename();
            CAPTURE(path);
            two.spoil(path, 20);
            CHECK(is_mended());
            fs::resize_file(path, fs::file_size(path) / 2);
            CHECK(is_mended());
            fs::resize_file(path, fs::file_size(path) + 5000);
            CHECK(is_mended());
            fs::remove(path);
            CHECK(is_mended());
        }
    }

    TEST_CASE("another index is no copy, and nothing changes") {
        TwoCopies two;
        test::BuiltIndex other;
        build_into(other, test::random_vectors(600, 12, ElementType::kFloat32, 2),
                   [&](BuildOptions&) { write_workload(other, 32); });
        const fs::path index = two.built.path();
        test::expect_error(repair(index, other.path()), ErrorCode::kInvalidArgument,
                           {"another index"});
        fs::remove(index / "manifest.json");
        const auto before = test::contents(index);
        test::expect_error(repair(index, other.path()), ErrorCode::kInvalidArgument,
                           {"another index"});
        test::expect_error(repair(index, two.built.folder / "nowhere"), ErrorCode::kNotFound);
        CHECK(test::contents(index) == before);
        test::expect_error(repair(two.built.folder / "nowhere", two.copy), ErrorCode::kNotFound);
    }
}
