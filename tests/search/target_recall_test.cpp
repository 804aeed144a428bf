#include "trackway/index.h"

#include "graph/exact_scan.h"
#include "support/built_index.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

namespace trackway {
namespace {

constexpr std::uint64_t kQueries = 400;

class TargetRecall {
public:
    TargetRecall() : queries_(test::random_vectors(kQueries, 24, ElementType::kFloat32, 5)) {
        test::build_into(built_, test::random_vectors(4000, 24, ElementType::kFloat32, 1),
                         [&](BuildOptions& options) {
                             options.code_bytes = 6;
                             test::write_workload(built_, 1000);
                         });
    }

    Index open() const {
        auto index = Index::open(built_.path(), {.thread_count = 2});
        REQUIRE(index);
        return std::move(*index);
    }

    struct Found {
        double recall = 0;
        double pages = 0;
    };
    Found search(const Index& index, const SearchParams& params) const {
        graph::ExactScan scan(queries_.view, Metric::kL2, params.k);
        scan.add(built_.vectors.view, 0, base::Arena(2));
        const std::vector<graph::Frontier> truth = scan.nearest();
        std::vector<Neighbor> out(kQueries * params.k);
        std::vector<SearchStats> stats(kQueries);
        REQUIRE(index.search(queries_.view, params, out, stats));
        Found found;
        for (std::uint64_t q = 0; q < kQueries; ++q) {
            const float farthest = truth[q].list().back().distance;
            for (std::uint64_t i = q * params.k; i < (q + 1) * params.k; ++i)
                found.recall += out[i].distance <= farthest ? 1 : 0;
            found.pages += stats[q].pages_read;
        }
        found.recall /= static_cast<double>(kQueries * params.k);
        found.pages /= static_cast<double>(kQueries);
        return found;
    }

    const test::Vectors& queries() const { return queries_; }

private:
    test::BuiltIndex built_;
    test::Vectors queries_;
};

TEST_SUITE("target_recall") {
    TEST_CASE("a search finds the share that it was asked for, at the cost that was foretold") {
        const TargetRecall trial;
        const Index index = trial.open();
        double pages_before = 0;
        for (const double target : {0.9, 0.95, 0.99}) {
            CAPTURE(target);
            const auto setting = index.setting_for_recall(target, 10);
            REQUIRE(setting);
            const auto found = trial.search(index, {.k = 10, .target_recall = target});
            // 4,000 neighbours were looked for: their standard deviation is below .005.
            CHECK(found.recall > target - 0.015);
            CHECK(found.recall < target + 0.025);
            CHECK(found.pages == doctest::Approx(double{setting->pages_per_query}).epsilon(0.1));
            CHECK(found.pages > pages_before);
            pages_before = found.pages;
        }
    }

    TEST_CASE("other numbers of neighbours are found as well") {
        const TargetRecall trial;
        const Index index = trial.open();
        for (const std::uint32_t k : {1U, 5U, 50U}) {
            CAPTURE(k);
            CHECK(trial.search(index, {.k = k, .target_recall = 0.95}).recall > 0.92);
        }
    }

    TEST_CASE("a stop margin reads less than the list alone, and infinity is the list alone") {
        const TargetRecall trial;
        const Index index = trial.open();
        const SearchParams list{.k = 10, .search_list_size = 200, .beam_width = 1};
        const auto without = trial.search(index, list);
        SearchParams with = list;
        with.stop_margin = 1.0F;
        CHECK(trial.search(index, with).pages < 0.7 * without.pages);
        with.stop_margin = std::numeric_limits<float>::infinity();
        CHECK(trial.search(index, with).pages == without.pages);
        with.stop_margin = std::numeric_limits<float>::quiet_NaN();
        std::vector<Neighbor> out(kQueries * 10);
        const auto wrong = index.search(trial.queries().view, with, out);
        REQUIRE_FALSE(wrong);
        CHECK(wrong.error().message == "stop margin: expected a number, found nan");
    }

    TEST_CASE("what no setting reached is refused") {
        const TargetRecall trial;
        const Index index = trial.open();
        for (const double target : {0.0, 1.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
            CAPTURE(target);
            const auto setting = index.setting_for_recall(target, 10);
            REQUIRE_FALSE(setting);
            CHECK(setting.error().code == ErrorCode::kInvalidArgument);
            CHECK(setting.error().message.find("expected a number above 0 and below 1") !=
                  std::string::npos);
        }
    }

    TEST_CASE("without calibration a target is refused, unless all there is can be searched") {
        const auto golden = Index::open(std::string(TRACKWAY_GOLDEN) + "/v1.1/index", {});
        REQUIRE(golden);
        const auto all = golden->setting_for_recall(0.99, 3);
        REQUIRE(all);
        CHECK(all->search_list_size == golden->summary().vectors);
        CHECK(all->stop_margin == std::numeric_limits<float>::infinity());
        test::BuiltIndex built;
        build_into(built, test::random_vectors(600, 4, ElementType::kFloat32, 1),
                   [&](BuildOptions&) { test::write_workload(built, 50); });
        const auto index = Index::open(built.path(), {.thread_count = 1});
        REQUIRE(index);
        const auto setting = index->setting_for_recall(0.9, 10);
        REQUIRE_FALSE(setting);
        CHECK(setting.error().code == ErrorCode::kUnsupported);
        CHECK(setting.error().message.find("calibrated") != std::string::npos);
    }
}

}  // namespace
}  // namespace trackway
