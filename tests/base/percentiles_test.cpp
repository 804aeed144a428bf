#include "base/percentiles.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace trackway::base {
namespace {

// The smallest value that at least thousandths / 1000 of the values do not exceed, by counting.
std::uint64_t by_counting(std::vector<std::uint64_t> values, std::size_t thousandths) {
    std::sort(values.begin(), values.end());
    for (const std::uint64_t value : values) {
        const auto not_above = std::count_if(values.begin(), values.end(),
                                             [value](std::uint64_t v) { return v <= value; });
        if (static_cast<std::size_t>(not_above) * 1000 >= thousandths * values.size()) return value;
    }
    return 0;
}

TEST_SUITE("base") {
    TEST_CASE("a percentile is the nearest rank, as counting finds it") {
        for (std::size_t count = 1; count <= 120; ++count) {
            std::vector<std::uint64_t> values;
            for (std::size_t i = 0; i < count; ++i)
                values.push_back((i * 7919) % 61 * 10);  // unsorted, with repeats
            const Percentiles percentiles(values);
            for (const std::size_t thousandths : {1U, 250U, 500U, 750U, 900U, 950U, 990U, 999U}) {
                CAPTURE(count);
                CAPTURE(thousandths);
                const double share = static_cast<double>(thousandths) / 1000;
                CHECK(percentiles.at(share) == by_counting(values, thousandths));
            }
        }
    }

    TEST_CASE("the ends are the least and the greatest value") {
        const Percentiles percentiles({30, 10, 20});
        CHECK(percentiles.at(0) == 10);
        CHECK(percentiles.at(1.0 / 3) == 10);
        CHECK(percentiles.at(0.34) == 20);
        CHECK(percentiles.at(1) == 30);
        CHECK(percentiles.mean() == 20);
    }

    TEST_CASE("the mean of huge values does not overflow") {
        CHECK(Percentiles({UINT64_MAX, UINT64_MAX}).mean() == doctest::Approx(0x1.0p64));
    }

    TEST_CASE("no values give zeros") {
        CHECK(Percentiles({}).at(0.5) == 0);
        CHECK(Percentiles({}).mean() == 0);
    }
}

}  // namespace
}  // namespace trackway::base
