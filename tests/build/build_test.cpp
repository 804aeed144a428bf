#include "trackway/builder.h"

#include "io/file.h"
#include "layouts/manifest.h"
#include "support/built_index.h"
#include "support/folder_contents.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <fstream>
#include <string>
#include <string_view>
#include <sys/file.h>
#include <unistd.h>
#include <vector>

using namespace trackway;
namespace fs = std::filesystem;

namespace {

std::string build_error(const BuildOptions& options) {
    const auto report = build(options);
    return report ? "" : report.error().message;
}

}  // namespace

TEST_SUITE("build") {
    TEST_CASE("the same input, options and seed give the same bytes for any number of threads") {
        for (const Metric metric : {Metric::kL2, Metric::kInnerProduct, Metric::kCosine}) {
            std::vector<test::Contents> built_bytes;
            for (const std::uint32_t threads : {1U, 2U, 4U}) {
                test::BuiltIndex built;
                build_into(built, test::random_vectors(1200, 9, ElementType::kFloat16, 1),
                           [&](BuildOptions& options) {
                               options.thread_count = threads;
                               options.metric = metric;
                               if (metric != Metric::kL2) write_workload(built, 40);
                               if (metric == Metric::kL2) options.code_type.reset();  // all tried
                           });
                built_bytes.push_back(test::contents(built.path()));
            }
            CHECK(built_bytes[0] == built_bytes[1]);
            CHECK(built_bytes[0] == built_bytes[2]);
        }
    }

    TEST_CASE("the report tells stages, layout and sizes") {
        test::BuiltIndex built;
        build_into(built, test::random_vectors(500, 8, ElementType::kUint8, 1),
                   [](BuildOptions&) {});
        std::vector<std::string> names;
        for (const StageReport& stage : built.report.stages)
            names.push_back(stage.name);
        CHECK(names == std::vector<std::string>{"read", "partition", "graph", "merge", "truth",
                                                "codes", "trace", "order", "write", "calibrate",
                                                "verify", "publish"});
        CHECK(built.report.layout.page_size_bytes == 4096);
        CHECK(built.report.shards.front().vectors == 500);
        std::uint64_t bytes = 0;
        for (const auto& [name, content] : test::contents(built.path()))
            bytes += content.size();
        CHECK(built.report.bytes_written == bytes);
    }

    TEST_CASE("options out of range are refused before anything is made") {
        const test::TempFolder folder;
        test::write_vectors(folder / "v.fbin",
                            test::random_vectors(50, 6, ElementType::kFloat32, 1));
        BuildOptions good{.vectors = folder / "v.fbin", .index_dir = folder / "index"};
        const auto error_with = [&](auto change) {
            BuildOptions options = good;
            change(options);
            return build_error(options);
        };
        CHECK(error_with([](auto& o) { o.graph.max_degree = 0; }) ==
              "max degree: expected 1 to 255, found 0");
        CHECK(error_with([](auto& o) { o.graph.max_degree = 256; }).find("found 256") !=
              std::string::npos);
        CHECK(error_with([](auto& o) { o.graph.build_list_size = 0; }).find("build list") == 0);
        CHECK(error_with([](auto& o) { o.graph.alpha = 0.5F; }).find("alpha") == 0);
        CHECK(error_with([](auto& o) {
                  o.layout.page_size_bytes = 5000;
              }).find("page size: expected a power of two") == 0);
        CHECK(error_with([](auto& o) { o.layout.page_size_bytes = 2048; }).find("page size") == 0);
        CHECK(error_with([](auto& o) { o.code_bytes = 7; }) ==
              "code bytes: expected at most the dimension, 6, found 7");
        CHECK(error_with([](auto& o) { o.memory_budget_bytes = 1000; }).find("memory budget") == 0);
        CHECK(error_with([&](auto& o) { o.vectors = folder / "none.fbin"; }).find("cannot open") !=
              std::string::npos);
        CHECK_FALSE(fs::exists(good.index_dir));
    }

    TEST_CASE("a folder that holds something else, or an index without overwrite, is refused") {
        test::BuiltIndex built;
        build_into(built, test::random_vectors(60, 4, ElementType::kUint8, 1),
                   [](BuildOptions&) {});
        const auto before = test::contents(built.path());
        CHECK(build_error(built.options).find("holds an index already") != std::string::npos);
        CHECK(test::contents(built.path()) == before);
        fs::remove_all(built.path());
        fs::create_directory(built.path());
        std::ofstream(built.path() / "notes.txt") << "mine";
        CHECK(build_error(built.options).find("found notes.txt") != std::string::npos);
        CHECK(test::contents(built.path()).size() == 1);
    }

    TEST_CASE("overwriting replaces the index, and refuses a folder with anything else") {
        test::BuiltIndex built;
        build_into(built, test::random_vectors(60, 4, ElementType::kUint8, 1),
                   [](BuildOptions&) {});
        const auto before = test::contents(built.path());
        std::ofstream(built.path() / "notes.txt") << "mine";
        built.options.overwrite = true;
        built.options.seed = 2;
        CHECK(build_error(built.options).find("nothing but an index, found notes.txt") !=
              std::string::npos);
        CHECK(test::contents(built.path()).size() == before.size() + 1);
        fs::remove(built.path() / "notes.txt");
        REQUIRE(build(built.options));
        const auto after = test::contents(built.path());
        CHECK(after.size() == before.size());
        CHECK(after.at("manifest.json") != before.at("manifest.json"));
    }

    TEST_CASE("what a killed build left is cleaned up by the next") {
        test::BuiltIndex built;
        build_into(built, test::random_vectors(60, 4, ElementType::kUint8, 1),
                   [](BuildOptions&) {});
        const auto expected = test::contents(built.path());
        fs::remove(built.path() / "manifest.json");
        std::ofstream(built.path() / "shard-0000.00000000000000aa.pages.partial") << "half";
        REQUIRE(build(built.options));
        CHECK(test::contents(built.path()) == expected);
    }

    TEST_CASE("a build that fails or is stopped leaves the index that was there before") {
        test::BuiltIndex built;
        build_into(built, test::random_vectors(400, 4, ElementType::kFloat32, 1),
                   [](BuildOptions&) {});
        const auto before = test::contents(built.path());
        built.options.overwrite = true;
        built.options.seed = 3;
        for (const char* stage : {"read", "graph", "truth", "order", "codes", "write", "verify"}) {
            CAPTURE(stage);
            test::build_until(stage, built.options);
            CHECK(test::contents(built.path()) == before);
        }
        built.options.index_dir = built.folder / "new";
        std::stop_source stop;
        stop.request_stop();
        CHECK_FALSE(build(built.options, {}, stop.get_token()));
        CHECK_FALSE(fs::exists(built.options.index_dir));
    }

    TEST_CASE("a second build in the same folder is refused") {
        test::BuiltIndex built;
        build_into(built, test::random_vectors(60, 4, ElementType::kUint8, 1),
                   [](BuildOptions&) {});
        built.options.overwrite = true;
        const int lock = ::open(built.path().c_str(), O_RDONLY | O_DIRECTORY);
        REQUIRE(flock(lock, LOCK_EX) == 0);
        CHECK(build_error(built.options).find("another build is at work") != std::string::npos);
        close(lock);
        CHECK(build_error(built.options).empty());
    }

    TEST_CASE("vectors that are cut short while they are read are an error that names them") {
        test::BuiltIndex built;
        build_into(built, test::random_vectors(2000, 8, ElementType::kFloat32, 1),
                   [](BuildOptions&) {});
        const auto before = test::contents(built.path());
        BuildOptions options = built.options;
        options.overwrite = true;
        options.seed = 8;
        for (const std::uintmax_t length : {std::uintmax_t{0}, std::uintmax_t{5000}}) {
            const auto cut = [&](std::string_view stage, std::uint64_t, std::uint64_t) {
                if (stage == "read") fs::resize_file(options.vectors, length);
            };
            test::expect_error(build(options, cut), ErrorCode::kCorruption,
                               {options.vectors.string(), "expected", "found"});
            CHECK(test::contents(built.path()) == before);
            test::write_vectors(options.vectors, built.vectors);
        }
    }

    TEST_CASE("not a number in the vectors is refused with its row") {
        const test::TempFolder folder;
        auto vectors = test::random_vectors(50, 6, ElementType::kFloat32, 1);
        test::store(ElementType::kFloat32, std::numeric_limits<float>::infinity(),
                    vectors.bytes.data() + (31 * 6 + 2) * 4);
        test::write_vectors(folder / "v.fbin", vectors);
        const std::string message =
            build_error({.vectors = folder / "v.fbin", .index_dir = folder / "index"});
        CHECK(message.find("v.fbin: row 31: expected finite numbers") != std::string::npos);
        CHECK_FALSE(fs::exists(folder / "index"));
    }
}
