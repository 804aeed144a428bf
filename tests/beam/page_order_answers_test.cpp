#include "beam/beam_search.h"
#include "support/built_index.h"
#include "support/driven_search.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

using namespace trackway;
using beam::BeamParams;
using beam::BeamSearch;

namespace {

constexpr PageOrder kOrders[] = {PageOrder::kInsertion, PageOrder::kBreadthFirst,
                                 PageOrder::kCovisit, PageOrder::kAffinity};

// What one query found and did, in dataset rows, which no page order changes.
struct Answer {
    std::vector<std::pair<std::uint32_t, float>> found;
    std::vector<std::uint32_t> frontier;
    std::vector<std::uint32_t> visits;
    std::uint32_t estimates = 0;
    bool operator==(const Answer&) const = default;
};

struct OrderedIndex {
    test::BuiltIndex built;
    test::SearchedGraph opened;
    std::vector<std::uint32_t> rows;
};

// The same vectors, options and seed, in each page order.
std::vector<std::unique_ptr<OrderedIndex>> indexes_of(const test::Vectors& vectors, Metric metric) {
    std::vector<std::unique_ptr<OrderedIndex>> indexes;
    for (const PageOrder order : kOrders) {
        auto index = std::make_unique<OrderedIndex>();
        const auto& view = vectors.view;
        build_into(index->built,
                   test::random_vectors(view.row_count, view.dimension, view.element_type, 1),
                   [&](BuildOptions& options) {
                       options.layout.page_order = order;
                       options.metric = metric;
                       write_workload(index->built, 64);
                   });
        index->opened = test::open_graph(index->built.path());
        index->rows = test::row_at_place(index->opened);
        indexes.push_back(std::move(index));
    }
    return indexes;
}

Answer answer_of(const OrderedIndex& index, const std::byte* query, const BeamParams& params) {
    const beam::GraphView view = index.opened.graph->view();
    BeamSearch search(view);
    Answer answer;
    REQUIRE(search.start(query, params, &answer.visits));
    test::run(search, index.opened);
    for (const graph::Candidate& found : search.found())
        answer.found.emplace_back(found.vertex, found.distance);
    for (const graph::Candidate& candidate : search.frontier())
        answer.frontier.push_back(index.rows[candidate.vertex]);
    for (std::uint32_t& visit : answer.visits)
        visit = index.rows[visit];
    answer.estimates = search.counts().estimates;
    return answer;
}

}  // namespace

TEST_SUITE("beam") {
    TEST_CASE("answers are identical for all page orders at equal expansion") {
        for (const Metric metric : {Metric::kL2, Metric::kInnerProduct}) {
            CAPTURE(name_of(metric));
            const auto vectors = test::random_vectors(800, 12, ElementType::kFloat32, 1);
            const auto indexes = indexes_of(vectors, metric);
            for (std::size_t i = 0; i < indexes.size(); ++i) {
                CHECK(indexes[i]->opened.graph->files.description().page_order == kOrders[i]);
                for (std::size_t j = 0; j < i; ++j)
                    CHECK(indexes[i]->rows != indexes[j]->rows);  // places do differ
            }
            const auto queries = test::random_vectors(40, 12, ElementType::kFloat32, 2);
            for (const BeamParams& params :
                 {BeamParams{.k = 10, .search_list_size = 10, .page_mates = false},
                  BeamParams{.k = 10, .search_list_size = 40, .page_mates = false},
                  BeamParams{
                      .k = 5, .search_list_size = 30, .beam_width = 4, .page_mates = false}}) {
                CAPTURE(params.search_list_size);
                for (std::uint64_t q = 0; q < 40; ++q) {
                    CAPTURE(q);
                    const std::byte* query = queries.view.row(q);
                    const Answer expected = answer_of(*indexes[0], query, params);
                    REQUIRE(expected.found.size() == params.k);
                    for (std::size_t i = 1; i < indexes.size(); ++i) {
                        CAPTURE(name_of(kOrders[i]));
                        const Answer answer = answer_of(*indexes[i], query, params);
                        CHECK(answer.found == expected.found);
                        CHECK(answer.frontier == expected.frontier);
                        CHECK(answer.visits == expected.visits);
                        CHECK(answer.estimates == expected.estimates);
                    }
                }
            }
        }
    }
}
