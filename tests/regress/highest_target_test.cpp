// A target recall was refused as more than any setting reached, though longer lists reach it.
#include "trackway/index.h"

#include "support/built_index.h"
#include "support/small_index.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

using namespace trackway;

namespace {

constexpr std::uint32_t kDimension = 40;

}  // namespace

TEST_SUITE("regress") {
    TEST_CASE(
        "the highest target recall is what the longest list finds, and longer ones are told") {
        test::BuiltIndex built;
        build_into(built, test::random_vectors(3000, kDimension, ElementType::kFloat32, 1),
                   [&](BuildOptions& options) {
                       options.code_bytes = 4;  // so rough that a list of 100 misses some
                       options.graph = {.max_degree = 12, .build_list_size = 20};
                       write_workload(built, 500);
                   });
        const auto index = test::expect_value(Index::open(built.path(), {.thread_count = 1}));
        const auto usual = test::expect_value(index.setting_for_recall(0.9, 10));
        double highest = 0;
        for (const double target : {0.95, 0.98, 0.99, 0.995, 0.999, 0.9999}) {
            const auto setting = index.setting_for_recall(target, 10);
            if (!setting) {
                CHECK(setting.error().message.find("longer --search-list") != std::string::npos);
                break;
            }
            highest = target;
            CHECK(setting->search_list_size >= usual.search_list_size);
        }
        CHECK(highest >= 0.99);
    }
}
