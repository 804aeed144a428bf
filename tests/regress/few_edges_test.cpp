// With lists of one or two edges vertices could not be reached from where navigation begins: a
// search for all of them ended with fewer.
#include "trackway/index.h"

#include "support/built_index.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <set>
#include <vector>

using namespace trackway;

TEST_SUITE("regress") {
    TEST_CASE("with one or two edges a search for all vertices finds each once") {
        constexpr std::uint32_t kRows = 400;
        for (const std::uint32_t degree : {1U, 2U}) {
            for (const Metric metric : {Metric::kL2, Metric::kInnerProduct}) {
                CAPTURE(degree);
                test::BuiltIndex built;
                build_into(built, test::random_vectors(kRows, 8, ElementType::kFloat32, 3),
                           [&](BuildOptions& options) {
                               options.metric = metric;
                               options.graph.max_degree = degree;
                           });
                const auto index = test::expect_value(Index::open(built.path()));
                const auto queries = test::random_vectors(3, 8, ElementType::kFloat32, 4);
                std::vector<Neighbor> found(3 * kRows);
                test::expect_ok(
                    index.search(queries.view, {.k = kRows, .search_list_size = kRows}, found));
                for (std::size_t query = 0; query < 3; ++query) {
                    std::set<std::uint64_t> ids;
                    for (std::size_t i = 0; i < kRows; ++i)
                        ids.insert(static_cast<std::uint64_t>(found[query * kRows + i].id));
                    CHECK(ids.size() == kRows);
                    CHECK(*ids.rbegin() == kRows - 1);
                }
            }
        }
    }
}
