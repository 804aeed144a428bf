#include "shard/router.h"

#include "support/random_vectors.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

using namespace trackway;
using namespace trackway::shard;

namespace {

// Rows of four groups far from one another, in turn; group g stands at (100 g, 0, 0, 0).
test::Vectors grouped(std::uint64_t rows, std::uint64_t seed) {
    auto vectors = test::random_vectors(rows, 4, ElementType::kFloat32, seed);
    for (std::uint64_t i = 0; i < rows; ++i) {
        void* first = vectors.bytes.data() + i * 16;
        *static_cast<float*>(first) += 100.0F * static_cast<float>(i % 4);
    }
    return vectors;
}

struct Trained {
    test::Vectors sample = grouped(400, 1);
    test::Vectors training = grouped(200, 2);
    test::Vectors judging = grouped(40, 3);
    std::vector<std::vector<std::uint16_t>> shards_of;
    TrainedRouter router;

    // shard_of(row) lists the shards that hold it.
    template <class ShardOf>
    explicit Trained(const ShardOf& shard_of, std::uint32_t threads = 2) {
        for (std::uint32_t row = 0; row < 400; ++row)
            shards_of.push_back(shard_of(row));
        const base::Arena arena(threads);
        router = train_router({.sample = sample.view,
                               .shards_of = shards_of,
                               .shards = 4,
                               .queries = {training.view, judging.view}},
                              arena);
    }
    RouterRows rows() const { return {4, 4, router.values}; }
};

std::vector<float> point(float x) {
    return {x, 0, 0, 0};
}

}  // namespace

TEST_SUITE("shard") {
    TEST_CASE("a query is sent to the shard that holds its region") {
        const Trained trained([](std::uint32_t row) {
            return std::vector<std::uint16_t>{static_cast<std::uint16_t>(3 - row % 4)};
        });
        CHECK(trained.router.regions == trained.rows().count());
        RouteScratch scratch;
        for (std::uint32_t group = 0; group < 4; ++group) {
            const auto promises =
                route(trained.rows(), point(100.0F * static_cast<float>(group)), scratch);
            REQUIRE(promises.size() == 4);
            CHECK(promises.front().shard == 3 - group);
            CHECK(promises.front().share > 0.5F);
            for (std::size_t i = 1; i < 4; ++i)
                CHECK(promises[i].share <= promises[i - 1].share);
        }
    }

    TEST_CASE("shares of a region sum to one, however many shards hold a vector") {
        const Trained trained([](std::uint32_t row) {
            return std::vector<std::uint16_t>{0, static_cast<std::uint16_t>(1 + row % 3)};
        });
        for (std::size_t i = 0; i < trained.rows().count(); ++i) {
            float sum = 0;
            for (const float share : trained.rows().shares(i))
                sum += share;
            CHECK(sum == doctest::Approx(1));
            CHECK(trained.rows().shares(i)[0] == doctest::Approx(1));  // it holds everything
        }
        RouteScratch scratch;
        const auto promises = route(trained.rows(), point(50), scratch);
        CHECK(promises.front().shard == 0);
        CHECK(probes_for(promises, trained.router.share_sought) == 1);
    }

    TEST_CASE("of few queries, or queries that are alike, nothing is concluded") {
        Trained trained([](std::uint32_t row) {
            return std::vector<std::uint16_t>{static_cast<std::uint16_t>(row % 4)};
        });
        const base::Arena arena(1);
        const auto probes_of = [&](const MatrixView& training, const MatrixView& judging) {
            const TrainedRouter router = train_router({.sample = trained.sample.view,
                                                       .shards_of = trained.shards_of,
                                                       .shards = 4,
                                                       .queries = {training, judging}},
                                                      arena);
            RouteScratch scratch;
            return probes_for(route({4, 4, router.values}, point(100), scratch),
                              router.share_sought);
        };
        CHECK(probes_of(trained.training.view, trained.judging.view) == 1);
        const auto few = grouped(4, 5);
        CHECK(probes_of(trained.training.view, few.view) == 4);
        CHECK(probes_of(trained.training.view, {}) == 4);
        auto alike = grouped(200, 6);
        for (std::size_t row = 1; row < 200; ++row)
            std::copy_n(alike.bytes.begin(), 16,
                        alike.bytes.begin() + static_cast<std::ptrdiff_t>(row * 16));
        CHECK(probes_of(alike.view, trained.judging.view) == 4);
    }

    TEST_CASE("shards are searched until they promise enough, and always one") {
        const std::vector<ShardPromise> promises = {{2, 0.5F}, {0, 0.25F}, {1, 0.25F}};
        CHECK(probes_for(promises, 0) == 1);
        CHECK(probes_for(promises, 0.5F) == 1);
        CHECK(probes_for(promises, 0.6F) == 2);
        CHECK(probes_for(promises, 0.75F) == 2);
        CHECK(probes_for(promises, 1) == 3);
        const std::vector<ShardPromise> none = {{0, 0}, {1, 0}};
        CHECK(probes_for(none, 0.5F) == 2);
    }

    TEST_CASE("a router is the same for any number of threads, and any query has a way") {
        const auto any = [](std::uint32_t row) {
            return std::vector<std::uint16_t>{static_cast<std::uint16_t>(row % 4)};
        };
        const Trained one(any, 1);
        const Trained three(any, 3);
        CHECK(one.router.values == three.router.values);
        CHECK(one.router.share_sought == three.router.share_sought);
        RouteScratch scratch;
        for (const float x : {-1e18F, 1e18F, 0.0F, 150.0F}) {
            const auto promises = route(one.rows(), point(x), scratch);
            std::vector<bool> seen(4, false);
            for (const ShardPromise& promise : promises)
                seen[promise.shard] = true;
            CHECK(std::count(seen.begin(), seen.end(), true) == 4);
        }
    }
}
