#include "shard/cells.h"

#include "support/random_vectors.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using namespace trackway;
using namespace trackway::shard;

namespace {

Points points_of(const std::vector<float>& values) {
    Points points(values.size(), 1);
    for (std::size_t i = 0; i < values.size(); ++i)
        points.row(i)[0] = values[i];
    return points;
}

}  // namespace

TEST_SUITE("shard") {
    TEST_CASE("cells find groups of points that lie apart") {
        const Points sample = points_of({0, 1, 2, 100, 101, 102, 200, 201, 202});
        const Points cells = train_cells(sample, {.count = 3}, base::Arena(1));
        REQUIRE(cells.count() == 3);
        std::vector<float> centers;
        for (std::size_t c = 0; c < 3; ++c)
            centers.push_back(cells.row(c)[0]);
        std::sort(centers.begin(), centers.end());
        CHECK(centers == std::vector<float>{1, 101, 201});
    }

    TEST_CASE("there are no more cells than different rows") {
        const base::Arena arena(2);
        CHECK(train_cells(points_of({7, 7, 7, 7}), {.count = 3}, arena).count() == 1);
        CHECK(train_cells(points_of({7, 8, 7, 8}), {.count = 3}, arena).count() == 2);
        CHECK(train_cells(points_of({5}), {.count = 64}, arena).count() == 1);
    }

    TEST_CASE("cells are the same for any number of threads, and others for another seed") {
        const auto vectors = test::random_vectors(3000, 12, ElementType::kFloat32, 3);
        const auto train = [&](std::uint32_t threads, std::uint64_t seed) {
            const base::Arena arena(threads);
            const Points sample = float_points(vectors.view, Metric::kCosine, arena);
            const Points cells = train_cells(sample, {.count = 40, .seed = seed}, arena);
            std::vector<float> values;
            for (std::size_t c = 0; c < cells.count(); ++c)
                values.insert(values.end(), cells.row(c).begin(), cells.row(c).end());
            return values;
        };
        CHECK(train(1, 1) == train(4, 1));
        CHECK(train(1, 1) != train(1, 2));
    }

    TEST_CASE("rows belong to the nearest cell, the smaller of equals") {
        const Points cells = points_of({0, 10, 20});
        const auto nearest = nearest_cells(points_of({4, 5, 6, 100, -3}), cells, base::Arena(2));
        CHECK(nearest == std::vector<std::uint32_t>{0, 0, 1, 2, 0});
    }
}
