#include "quant/distance_table.h"

#include "support/decoded.h"
#include "support/elements.h"
#include "support/reference_distance.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

namespace trackway::quant {
namespace {

constexpr std::uint64_t kSeed = 91;

using test::exact_distance;
using test::prepared_rows;

struct Encoded {
    std::vector<float> rows;
    ProductQuantizer quantizer;
    std::vector<std::uint8_t> codes;  // just as long as the rows need

    std::size_t count() const { return codes.size() / quantizer.code_bytes(); }
    std::span<const float> row(std::size_t i) const {
        const std::size_t dimension = quantizer.subspaces().dimension();
        return std::span(rows).subspan(i * dimension, dimension);
    }
    std::span<const std::uint8_t> code(std::size_t i) const {
        return std::span(codes).subspan(i * quantizer.code_bytes(), quantizer.code_bytes());
    }
};

Encoded encoded(std::vector<float> rows, std::uint32_t dimension, std::uint32_t code_bytes) {
    auto quantizer = ProductQuantizer::train(
        rows, dimension, {.code_bytes = code_bytes, .iterations = 3}, base::Arena(1));
    const std::size_t count = rows.size() / dimension;
    std::vector<std::uint8_t> codes(count * code_bytes);
    for (std::size_t i = 0; i < count; ++i) {
        quantizer.encode(std::span(rows).subspan(i * dimension, dimension),
                         std::span(codes).subspan(i * code_bytes, code_bytes));
    }
    return {std::move(rows), std::move(quantizer), std::move(codes)};
}

std::vector<float> estimates(const DistanceTable& table, const Encoded& data,
                             const std::vector<std::uint32_t>& ids) {
    std::vector<float> out(ids.size());
    table.estimate({data.codes.data(), data.quantizer.code_bytes()}, ids, out.data());
    return out;
}

std::vector<std::uint32_t> all_ids(const Encoded& data) {
    std::vector<std::uint32_t> ids(data.count());
    std::iota(ids.rbegin(), ids.rend(), 0U);  // the last row first
    return ids;
}

void check_estimates(DistanceTable& table, Metric metric, const Encoded& data,
                     std::span<const float> query) {
    table.prepare(data.quantizer, metric, query);
    const auto ids = all_ids(data);
    const auto out = estimates(table, data, ids);
    std::size_t wrong = 0;
    double size = 0;
    for (const float value : query)
        size += std::abs(double{value});
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const auto approximate = test::decoded(data.quantizer, data.code(ids[i]));
        const double expected = exact_distance(metric, query, approximate);
        wrong += std::abs(double{out[i]} - expected) <= 1e-5 * (1 + size) ? 0 : 1;
    }
    CHECK(wrong == 0);
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
    const auto count = static_cast<double>(a.size());
    const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / count;
    const double mean_b = std::accumulate(b.begin(), b.end(), 0.0) / count;
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        ab += (a[i] - mean_a) * (b[i] - mean_b);
        aa += (a[i] - mean_a) * (a[i] - mean_a);
        bb += (b[i] - mean_b) * (b[i] - mean_b);
    }
    return ab / std::sqrt(aa * bb);
}

TEST_SUITE("quant") {
    TEST_CASE("an estimate is the exact distance of the query to the decoded vector") {
        base::Random random(kSeed);
        DistanceTable table;  // one for all: it is reusable
        for (const Metric metric : test::kMetrics) {
            for (const std::uint32_t code_bytes : {1U, 3U, 8U, 32U}) {
                for (const std::uint32_t dimension : {code_bytes, 37U, 65U}) {
                    CAPTURE(name_of(metric));
                    CAPTURE(code_bytes);
                    CAPTURE(dimension);
                    const auto raw = test::random_floats(std::size_t{300} * dimension, random);
                    const auto data =
                        encoded(prepared_rows(metric, raw, dimension), dimension, code_bytes);
                    const auto query = test::random_floats(dimension, random);
                    check_estimates(table, metric, data, prepared_rows(metric, query, dimension));
                }
            }
        }
    }

    TEST_CASE("the first ids may be few, repeated or none") {
        base::Random random(kSeed + 1);
        const auto data = encoded(test::random_floats(std::size_t{50} * 6, random), 6, 5);
        DistanceTable table;
        table.prepare(data.quantizer, Metric::kL2, data.row(3));
        const auto all = estimates(table, data, all_ids(data));
        CHECK(estimates(table, data, {}).empty());
        for (const std::uint32_t last : {0U, 6U, 7U, 8U, 9U, 20U}) {
            CAPTURE(last);
            std::vector<std::uint32_t> ids(last, 49);
            ids.push_back(3);
            const auto some = estimates(table, data, ids);
            CHECK(some.back() == all[46]);
            CHECK(some.back() == 0);  // fewer rows than codewords: nothing is lost
            CHECK(std::count(some.begin(), some.end(), all[0]) == last);
        }
    }

    TEST_CASE("a zero query is at distance 1 from everything under cosine, 0 by inner product") {
        base::Random random(kSeed + 2);
        const auto raw = test::random_floats(std::size_t{20} * 9, random);
        const auto data = encoded(prepared_rows(Metric::kCosine, raw, 9), 9, 4);
        const std::vector<float> zero(9);
        DistanceTable table;
        table.prepare(data.quantizer, Metric::kCosine, zero);
        CHECK(estimates(table, data, all_ids(data)) == std::vector<float>(20, 1.0F));
        table.prepare(data.quantizer, Metric::kInnerProduct, zero);
        CHECK(estimates(table, data, all_ids(data)) == std::vector<float>(20, 0.0F));
    }

    TEST_CASE("estimates rise and fall with the true distances") {
        base::Random random(kSeed + 3);
        constexpr std::uint32_t kDimension = 20;
        for (const Metric metric : test::kMetrics) {
            CAPTURE(name_of(metric));
            const auto raw = test::random_floats(std::size_t{600} * kDimension, random);
            const auto data = encoded(prepared_rows(metric, raw, kDimension), kDimension, 8);
            const auto query =
                prepared_rows(metric, test::random_floats(kDimension, random), kDimension);
            DistanceTable table;
            table.prepare(data.quantizer, metric, query);
            const auto ids = all_ids(data);
            const auto out = estimates(table, data, ids);
            std::vector<double> exact(ids.size());
            std::transform(ids.begin(), ids.end(), exact.begin(), [&](std::uint32_t id) {
                return exact_distance(metric, query, data.row(id));
            });
            CHECK(correlation({out.begin(), out.end()}, exact) > 0.9);
        }
    }
}

}  // namespace
}  // namespace trackway::quant
