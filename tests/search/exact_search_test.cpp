#include "trackway/exact_search.h"

#include "support/expect.h"
#include "support/random_vectors.h"
#include "support/temp_folder.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <span>

using namespace trackway;

namespace {

VectorFile written(const std::filesystem::path& path, const test::Vectors& vectors) {
    auto file = test::expect_value(VectorFileWriter::create(
        path, vectors.view.element_type, vectors.view.row_count, vectors.view.dimension));
    test::expect_ok(file.append(vectors.bytes));
    test::expect_ok(file.finish());
    return test::expect_value(VectorFile::open(path));
}

}  // namespace

TEST_SUITE("search") {
    TEST_CASE("queries in memory get the answers of the same queries in a file") {
        const test::TempFolder folder;
        for (const ElementType type : {ElementType::kFloat32, ElementType::kUint8}) {
            const auto base = written(folder / "base.npy", test::random_vectors(300, 9, type, 1));
            const auto queries = test::random_vectors(20, 9, type, 2);
            const auto query_file = written(folder / "query.npy", queries);
            for (const Metric metric : {Metric::kL2, Metric::kInnerProduct, Metric::kCosine}) {
                const ExactSearchOptions options{.metric = metric, .k = 7};
                const auto from_file = test::expect_value(exact_search(base, query_file, options));
                const auto from_memory =
                    test::expect_value(exact_search(base, queries.view, options));
                CHECK(from_memory.query_count == 20);
                CHECK(from_memory.ids == from_file.ids);
                CHECK(from_memory.distances == from_file.distances);
            }
        }
    }

    TEST_CASE("queries in memory that do not suit the vectors are an error") {
        const test::TempFolder folder;
        const auto base =
            written(folder / "base.npy", test::random_vectors(30, 9, ElementType::kFloat32, 1));
        const auto narrow = test::random_vectors(2, 8, ElementType::kFloat32, 2);
        test::expect_error(exact_search(base, narrow.view, {.k = 3}), ErrorCode::kInvalidArgument,
                           {"queries: expected dimension 9", "found 8"});
        const auto bytes = test::random_vectors(2, 9, ElementType::kUint8, 2);
        test::expect_error(exact_search(base, bytes.view, {.k = 3}), ErrorCode::kInvalidArgument,
                           {"queries: expected float32", "found uint8"});
    }
}
