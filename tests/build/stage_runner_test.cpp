#include "build/stage_runner.h"

#include <doctest/doctest.h>

#include <stop_token>
#include <string>
#include <vector>

using namespace trackway;

TEST_SUITE("build") {
    TEST_CASE("what a stage left resident is given back after it, before the next begins") {
        const base::Arena arena(1);
        std::vector<std::string> order;
        const BuildProgress progress = [&](std::string_view stage, std::uint64_t done, auto) {
            order.push_back(std::string(stage) + (done == 0 ? " begins" : " ends"));
        };
        BuildReport report;
        builder::StageRunner runner(arena, progress, report);
        runner.after_stages([&] { order.emplace_back("given back"); });
        CHECK(runner.stage("one", [] { return Status(); }));
        CHECK(runner.timed("two", [] { return Status(); }));
        CHECK(order == std::vector<std::string>{"one begins", "one ends", "given back",
                                                "two begins", "two ends", "given back"});
        REQUIRE(report.stages.size() == 2);
        CHECK(report.stages[1].name == "two");
    }

    TEST_CASE("a stage that failed, or that a stop came into, is not reported") {
        std::stop_source stop;
        const base::Arena arena(1, stop.get_token());
        const BuildProgress silent;
        BuildReport report;
        builder::StageRunner runner(arena, silent, report);
        CHECK_FALSE(runner.stage("fails", []() -> Status { return base::cancelled(); }));
        const Status stopped = runner.stage("stopped", [&] {
            stop.request_stop();
            return Status();
        });
        REQUIRE_FALSE(stopped);
        CHECK(stopped.error().code == ErrorCode::kCancelled);
        CHECK(report.stages.empty());
    }
}
