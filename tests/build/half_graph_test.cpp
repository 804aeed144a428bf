#include "build/half_graph.h"

#include "graph/vamana.h"
#include "support/expect.h"
#include "support/random_vectors.h"
#include "support/temp_folder.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

using namespace trackway;
using namespace trackway::builder;
namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t kPoints = 900;
constexpr graph::VamanaOptions kOptions{.max_degree = 12, .build_list_size = 24, .seed = 5};
const StageKey kKey = stage_key("graph", {});
constexpr HalfGraph::Pace kAlways{.every = std::chrono::seconds(0), .times_as_long = 0};

std::set<std::string> files_in(const fs::path& folder) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder))
        names.insert(entry.path().filename().string());
    return names;
}

// A build that is stopped once so many points have chosen edges; UINT64_MAX: never.
Result<graph::VamanaGraph> build(HalfGraph& half, std::uint32_t threads, std::uint64_t stop_at,
                                 std::uint64_t* restored = nullptr) {
    const auto vectors = test::random_vectors(kPoints, 8, ElementType::kFloat32, 2);
    std::stop_source stop;
    const base::Arena arena(threads, stop.get_token());
    const graph::PointSet points(vectors.view, Metric::kL2, arena);
    const graph::VamanaWatch watch{
        .inserted = {},
        .restore = [&](graph::Adjacency& lists) -> Result<std::uint64_t> {
            auto done = half.restore(lists);
            if (done && restored != nullptr) *restored = *done;
            return done;
        },
        .keep = [&](std::uint64_t done, const graph::Adjacency& lists) -> Status {
            if (done >= stop_at) stop.request_stop();
            return half.keep(done, lists);
        }};
    return graph::build_vamana(points, kOptions, arena, watch);
}

}  // namespace

TEST_SUITE("build") {
    TEST_CASE("a graph that was cut short goes on from what was kept, and is the same") {
        const test::TempFolder folder;
        const auto work = test::expect_value(WorkFolder::open(folder / "work"));
        const auto before = files_in(folder / "work");
        HalfGraph whole_half(work, "graph-0000", kKey, {});
        const auto whole = test::expect_value(build(whole_half, 1, UINT64_MAX));
        CHECK(files_in(folder / "work") == before);  // it was not yet time to keep anything
        std::uint64_t last = 0;
        for (const std::uint64_t stop_at : {100U, 700U, 1000U, 1500U}) {
            CAPTURE(stop_at);
            HalfGraph half(work, "graph-0000", kKey, kAlways);
            std::uint64_t restored = UINT64_MAX;
            REQUIRE(build(half, 2, stop_at, &restored));
            CHECK(restored == last);
            HalfGraph again(work, "graph-0000", kKey, {});
            graph::Adjacency lists(kPoints, kOptions.max_degree + kOptions.max_degree / 3 + 1);
            last = test::expect_value(again.restore(lists));
            CHECK(last >= stop_at);
        }
        HalfGraph half(work, "graph-0000", kKey, kAlways);
        std::uint64_t restored = 0;
        const auto graph = test::expect_value(build(half, 3, UINT64_MAX, &restored));
        CHECK(restored == last);
        REQUIRE(graph.adjacency.vertex_count() == kPoints);
        for (std::uint32_t v = 0; v < kPoints; ++v) {
            const auto mine = graph.adjacency.neighbors(v);
            const auto other = whole.adjacency.neighbors(v);
            REQUIRE(std::equal(mine.begin(), mine.end(), other.begin(), other.end()));
        }
        CHECK(files_in(folder / "work") != before);
        half.remove();
        CHECK(files_in(folder / "work") == before);
    }

    TEST_CASE("what was kept for other options, or is damaged, is not used") {
        const test::TempFolder folder;
        const auto work = test::expect_value(WorkFolder::open(folder / "work"));
        HalfGraph half(work, "graph-0000", kKey, kAlways);
        REQUIRE(build(half, 1, 500));
        const std::uint32_t capacity = kOptions.max_degree + kOptions.max_degree / 3 + 1;
        graph::Adjacency lists(kPoints, capacity);
        HalfGraph other(work, "graph-0000", stage_key("another graph", {}), {});
        CHECK(test::expect_value(other.restore(lists)) == 0);
        HalfGraph of_another_shard(work, "graph-0001", kKey, {});
        CHECK(test::expect_value(of_another_shard.restore(lists)) == 0);
        graph::Adjacency smaller(kPoints - 1, capacity);
        HalfGraph same(work, "graph-0000", kKey, {});
        test::expect_error(same.restore(smaller), ErrorCode::kCorruption, {"graph-0000-half"});
        for (const std::string& name : files_in(folder / "work")) {
            if (!name.starts_with("graph-0000-half-")) continue;
            std::fstream file(folder / "work" / name,
                              std::ios::in | std::ios::out | std::ios::binary);
            file.seekp(4000);
            file.put('\x7f');
        }
        CHECK(test::expect_value(same.restore(lists)) == 0);
    }

    TEST_CASE("a folder that cannot take what is kept ends the build with the reason") {
        const test::TempFolder folder;
        const auto work = test::expect_value(WorkFolder::open(folder / "work"));
        HalfGraph half(work, "graph-0000", kKey, kAlways);
        fs::remove_all(folder / "work");
        test::expect_error(build(half, 1, UINT64_MAX), ErrorCode::kNotFound, {"graph-0000-half-0"});
    }
}
