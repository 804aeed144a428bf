#include "trackway/builder.h"
#include "trackway/index.h"

#include "io/file.h"
#include "support/built_index.h"
#include "support/folder_contents.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace trackway;
namespace fs = std::filesystem;

namespace {

constexpr VectorEncoding kEncodings[] = {VectorEncoding::kFloat16, VectorEncoding::kSq8};

bool has_exact_vectors(const fs::path& folder) {
    for (const auto& entry : fs::directory_iterator(folder))
        if (entry.path().extension() == ".vectors") return true;
    return false;
}

std::vector<Neighbor> nearest(const test::BuiltIndex& built, const MatrixView& queries) {
    const auto index = Index::open(built.path(), {.thread_count = 1});
    if (!index) FAIL(index.error().message);
    std::vector<Neighbor> out(queries.row_count * 5);
    REQUIRE(index->search(queries, {.k = 5, .search_list_size = 200}, out));
    return out;
}

}  // namespace

TEST_SUITE("build") {
    TEST_CASE("an encoded index has the same bytes for any number of threads") {
        for (const VectorEncoding encoding : kEncodings) {
            for (const Metric metric : {Metric::kL2, Metric::kInnerProduct, Metric::kCosine}) {
                test::Contents expected;
                for (const std::uint32_t threads : {1U, 2U}) {
                    test::BuiltIndex built;
                    build_into(built, test::random_vectors(500, 9, ElementType::kFloat32, 1),
                               [&](BuildOptions& options) {
                                   write_workload(built, 40);
                                   options.thread_count = threads;
                                   options.metric = metric;
                                   options.layout.encoding = encoding;
                               });
                    if (expected.empty()) expected = test::contents(built.path());
                    CHECK(test::contents(built.path()) == expected);
                    std::uint64_t bytes = 0;
                    for (const auto& [name, content] : expected)
                        bytes += content.size();
                    CHECK(built.report.bytes_written == bytes);
                    CHECK(Index::open(built.path())->summary().bytes_on_disk == bytes);
                }
            }
        }
    }

    TEST_CASE("relayout keeps the encoding and its answers") {
        for (const VectorEncoding encoding : kEncodings) {
            test::BuiltIndex built;
            build_into(built, test::random_vectors(800, 10, ElementType::kFloat32, 1),
                       [&](BuildOptions& options) {
                           options.metric = Metric::kInnerProduct;
                           options.layout.encoding = encoding;
                       });
            const auto queries = test::random_vectors(80, 10, ElementType::kFloat32, 2);
            const auto expected = nearest(built, queries.view);
            test::write_vectors(built.folder / "workload.fbin", queries);
            const auto report = relayout({.index_dir = built.path(),
                                          .workload = built.folder / "workload.fbin",
                                          .page_order = PageOrder::kBreadthFirst,
                                          .thread_count = 2});
            if (!report) FAIL(report.error().message);
            CHECK(report->layout.encoding == encoding);
            CHECK(report->layout.encoding_recall_without_rerank.has_value());
            CHECK(report->element_type == ElementType::kFloat32);
            const auto found = nearest(built, queries.view);
            std::size_t same = 0;
            for (std::size_t i = 0; i < found.size(); ++i) {
                const bool equal = found[i].id == expected[i].id;
                same += equal;
                if (equal) CHECK(found[i].distance == expected[i].distance);
            }
            CHECK(same >= found.size() - 2);
            CHECK(std::ranges::count_if(fs::directory_iterator(built.path()),
                                        [](const fs::directory_entry& entry) {
                                            return entry.path().extension() == ".vectors";
                                        }) == 1);
        }
    }

    TEST_CASE("another encoding replaces the side file with the index") {
        test::BuiltIndex built;
        build_into(built, test::random_vectors(200, 8, ElementType::kFloat32, 1),
                   [](BuildOptions& options) { options.layout.encoding = VectorEncoding::kSq8; });
        CHECK(has_exact_vectors(built.path()));
        built.options.overwrite = true;
        built.options.layout.encoding = VectorEncoding::kAsGiven;
        REQUIRE(build(built.options));
        CHECK_FALSE(has_exact_vectors(built.path()));
    }

    TEST_CASE("encodings that do not suit the vectors or the page are refused") {
        const test::TempFolder folder;
        const auto error_of = [&](ElementType type, std::uint32_t dimension,
                                  const LayoutOptions& layout) {
            const fs::path path = folder / (std::string(name_of(type)) + ".npy");
            test::write_vectors(path, test::random_vectors(60, dimension, type, 1));
            const auto report = build({.vectors = path,
                                       .index_dir = folder / "index",
                                       .layout = layout,
                                       .code_type = CodeType::kPq});
            return report ? "" : report.error().message;
        };
        CHECK(error_of(ElementType::kUint8, 8, {.encoding = VectorEncoding::kSq8}) ==
              "vector encoding: sq8: expected float32 or float16 vectors, found uint8");
        CHECK(error_of(ElementType::kFloat16, 8, {.encoding = VectorEncoding::kFloat16}) ==
              "vector encoding: float16: expected float32 vectors, found float16");
        CHECK(error_of(ElementType::kFloat32, 1500,
                       {.page_size_bytes = 4096, .encoding = VectorEncoding::kSq8}) ==
              "vector encoding: an exact row of 6000 bytes does not fit a page of 4096 bytes; "
              "choose a larger page size");
        CHECK_FALSE(fs::exists(folder / "index"));
        CHECK(error_of(ElementType::kFloat32, 1500, {.encoding = VectorEncoding::kSq8}).empty());
    }

    TEST_CASE("an encoded build that is stopped leaves nothing") {
        test::BuiltIndex built;
        build_into(built, test::random_vectors(400, 8, ElementType::kFloat32, 1),
                   [](BuildOptions& options) { options.layout.encoding = VectorEncoding::kSq8; });
        const auto before = test::contents(built.path());
        built.options.overwrite = true;
        built.options.seed = 3;
        for (const char* stage : {"encode", "write", "verify"}) {
            test::build_until(stage, built.options);
            CHECK(test::contents(built.path()) == before);
        }
    }

    TEST_CASE("numbers that float16 does not hold are refused with their row") {
        const test::TempFolder folder;
        auto vectors = test::random_vectors(60, 8, ElementType::kFloat32, 1);
        test::store(ElementType::kFloat32, 70000, vectors.bytes.data() + (41 * 8 + 3) * 4);
        test::write_vectors(folder / "v.fbin", vectors);
        const auto report = build({.vectors = folder / "v.fbin",
                                   .index_dir = folder / "index",
                                   .layout = {.encoding = VectorEncoding::kFloat16}});
        REQUIRE_FALSE(report);
        CHECK(report.error().message.find("v.fbin: row 41: vector encoding: float16") !=
              std::string::npos);
        CHECK_FALSE(fs::exists(folder / "index"));
    }
}
