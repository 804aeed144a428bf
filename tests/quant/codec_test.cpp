#include "quant/codec.h"

#include "quant/distance_table.h"
#include "quant/principal_axes.h"
#include "quant/rabit_quantizer.h"
#include "support/elements.h"
#include "support/reference_distance.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <vector>

namespace trackway::quant {
namespace {

using test::exact_distance;

constexpr CodeType kTypes[] = {CodeType::kPq, CodeType::kOpq, CodeType::kRabitq};
constexpr std::uint64_t kSeed = 61;
constexpr std::uint32_t kDimension = 48;
constexpr std::size_t kRows = 1500;

// Dimensions that depend on each other, around a mean that is not zero.
std::vector<float> related_rows(std::size_t count, std::uint32_t dimension, std::uint64_t seed) {
    base::Random mixing_random(kSeed);
    std::vector<double> mixing(std::size_t{dimension} * dimension);
    for (std::size_t i = 0; i < mixing.size(); ++i)
        mixing[i] = mixing_random.normal() / (1.0 + static_cast<double>(i % dimension) / 4);
    base::Random random(seed);
    std::vector<float> rows(count * dimension);
    std::vector<double> sources(dimension);
    for (std::size_t i = 0; i < count; ++i) {
        for (double& source : sources)
            source = random.normal();
        for (std::size_t d = 0; d < dimension; ++d) {
            rows[i * dimension + d] = static_cast<float>(std::inner_product(
                sources.begin(), sources.end(),
                mixing.begin() + static_cast<std::ptrdiff_t>(d * dimension), 2.0));
        }
    }
    return rows;
}

// Rows and queries, and what a codec estimates for all pairs.
class Trial {
public:
    explicit Trial(Metric metric, std::uint32_t dimension = kDimension)
        : metric_(metric),
          dimension_(dimension),
          rows_(prepared(kRows, 1)),
          queries_(prepared(20, 2)) {}

    std::span<const float> rows() const { return rows_; }
    std::span<const float> row(std::size_t i) const {
        return std::span(rows_).subspan(i * dimension_, dimension_);
    }
    std::span<const float> query(std::size_t i) const {
        return std::span(queries_).subspan(i * dimension_, dimension_);
    }

    std::unique_ptr<Codec> train(CodeType type, std::uint32_t code_bytes) const {
        return train_codec(type, rows_, dimension_,
                           {.code_bytes = code_bytes, .iterations = 5, .seed = 3}, base::Arena(2));
    }

    std::vector<std::uint8_t> encode(const Codec& codec) const {
        std::vector<std::uint8_t> codes(kRows * codec.code_bytes());
        for (std::size_t i = 0; i < kRows; ++i)
            codec.encode(row(i),
                         std::span(codes).subspan(i * codec.code_bytes(), codec.code_bytes()));
        return codes;
    }

    std::vector<float> estimates(const Codec& codec, std::span<const std::uint8_t> codes,
                                 std::size_t query_number) const {
        std::vector<std::uint32_t> ids(kRows);
        std::iota(ids.begin(), ids.end(), 0U);
        std::vector<float> out(kRows);
        DistanceTable table;
        table.prepare(codec, metric_, query(query_number));
        table.estimate({codes.data(), codec.code_bytes()}, ids, out.data());
        return out;
    }

    // Mean error and root mean square error, over all pairs, in units of the exact distances'
    // standard deviation.
    struct Error {
        double mean = 0;
        double rms = 0;
    };
    Error error_of(const Codec& codec) const {
        const auto codes = encode(codec);
        double sum = 0;
        double squares = 0;
        double exact_sum = 0;
        double exact_squares = 0;
        const std::size_t queries = queries_.size() / dimension_;
        for (std::size_t q = 0; q < queries; ++q) {
            const auto found = estimates(codec, codes, q);
            for (std::size_t i = 0; i < kRows; ++i) {
                const double exact = exact_distance(metric_, query(q), row(i));
                sum += double{found[i]} - exact;
                squares += (double{found[i]} - exact) * (double{found[i]} - exact);
                exact_sum += exact;
                exact_squares += exact * exact;
            }
        }
        const auto n = static_cast<double>(queries * kRows);
        const double spread = std::sqrt(exact_squares / n - exact_sum / n * (exact_sum / n));
        return {sum / n / spread, std::sqrt(squares / n) / spread};
    }

private:
    std::vector<float> prepared(std::size_t count, std::uint64_t seed) const {
        return test::prepared_rows(metric_, related_rows(count, dimension_, seed), dimension_);
    }

    Metric metric_;
    std::uint32_t dimension_;
    std::vector<float> rows_;
    std::vector<float> queries_;
};

TEST_SUITE("codec") {
    TEST_CASE("every kind of code estimates every metric") {
        for (const Metric metric : test::kMetrics) {
            const Trial trial(metric);
            for (const CodeType type : kTypes) {
                CAPTURE(name_of(metric));
                CAPTURE(name_of(type));
                const auto codec = trial.train(type, 24);
                CHECK(codec->type() == type);
                CHECK(codec->code_bytes() <= 24);
                const auto error = trial.error_of(*codec);
                CHECK(error.rms < 0.25);
                CHECK(std::abs(error.mean) < 0.1);
            }
        }
    }

    TEST_CASE("a codec made from its table is the same to the bit") {
        const Trial trial(Metric::kL2);
        for (const CodeType type : kTypes) {
            CAPTURE(name_of(type));
            const auto codec = trial.train(type, 20);
            auto table = codec->table();
            REQUIRE(table.size() == std::size_t{kDimension} * codec_table_width(type, kDimension));
            const auto again = make_codec(type, kDimension, codec->code_bytes(), std::move(table));
            REQUIRE(again);
            CHECK((*again)->bytes() == codec->bytes());
            const auto codes = trial.encode(*codec);
            CHECK(trial.encode(**again) == codes);
            CHECK(trial.estimates(**again, codes, 0) == trial.estimates(*codec, codes, 0));
        }
    }

    TEST_CASE("the same for any number of threads") {
        const Trial trial(Metric::kL2);
        for (const CodeType type : kTypes) {
            const TrainOptions options{.code_bytes = 20, .iterations = 5, .seed = 3};
            CHECK(train_codec(type, trial.rows(), kDimension, options, base::Arena(1))->table() ==
                  train_codec(type, trial.rows(), kDimension, options, base::Arena(3))->table());
        }
    }

    TEST_CASE("sizes that no such code has are refused") {
        for (const CodeType type : kTypes) {
            CAPTURE(name_of(type));
            const std::vector<float> table(std::size_t{kDimension} *
                                           codec_table_width(type, kDimension));
            // Of PQ no more subspaces than dimensions; of RaBitQ 8 bytes and a bit a dimension.
            const std::uint32_t wrong = type == CodeType::kRabitq ? 13 : kDimension + 1;
            CHECK(has_codec(type, kDimension, wrong) == false);
            const auto codec = make_codec(type, kDimension, wrong, table);
            REQUIRE_FALSE(codec);
            CHECK(codec.error().code == ErrorCode::kInvalidArgument);
            CHECK(codec.error().message.find("code bytes: expected a size that ") == 0);
        }
        // Room for more than 2 bits a dimension and less than 3 is 2 bits; but no such file is.
        CHECK(has_codec(CodeType::kRabitq, kDimension, 21));
        CHECK_FALSE(
            make_codec(CodeType::kRabitq, kDimension, 21,
                       std::vector<float>(std::size_t{kDimension} * RabitQuantizer::kTableWidth)));
    }

    TEST_CASE("tables that no training gives are refused") {
        std::vector<float> table(std::size_t{kDimension} * RabitQuantizer::kTableWidth, 1);
        CHECK(make_codec(CodeType::kRabitq, kDimension, 20, table));
        table[7] = 0.5F;
        const auto signs = make_codec(CodeType::kRabitq, kDimension, 20, table);
        REQUIRE_FALSE(signs);
        CHECK(signs.error().message == "expected signs of 1 and -1, found others");
        for (const CodeType type : kTypes) {
            table.assign(std::size_t{kDimension} * codec_table_width(type, kDimension), 1);
            table[5] = std::numeric_limits<float>::quiet_NaN();
            const auto codec = make_codec(type, kDimension, 20, table);
            REQUIRE_FALSE(codec);
            CHECK(codec.error().message == "expected finite numbers, found others");
        }
    }

    TEST_CASE("numbers near the ends of their range give no NaN") {
        for (const CodeType type : kTypes) {
            for (const float scale : {1e-38F, 1e-30F, 1e15F}) {
                CAPTURE(name_of(type));
                CAPTURE(scale);
                auto rows = related_rows(600, 16, 1);
                for (float& value : rows)
                    value *= scale;
                const auto codec = train_codec(type, rows, 16, {.code_bytes = 12}, base::Arena(1));
                std::vector<std::uint8_t> codes(600 * codec->code_bytes());
                for (std::size_t i = 0; i < 600; ++i)
                    codec->encode(
                        std::span(rows).subspan(i * 16, 16),
                        std::span(codes).subspan(i * codec->code_bytes(), codec->code_bytes()));
                DistanceTable distances;
                distances.prepare(*codec, Metric::kL2, std::span(rows).first(16));
                const std::uint32_t ids[] = {0, 1, 599};
                float out[3];
                distances.estimate({codes.data(), codec->code_bytes()}, ids, out);
                for (const float estimate : out)
                    CHECK(std::isfinite(estimate));
            }
        }
    }

    TEST_CASE("OPQ estimates dimensions that depend on each other better than PQ") {
        const Trial trial(Metric::kL2);
        const double pq = trial.error_of(*trial.train(CodeType::kPq, 8)).rms;
        const double opq = trial.error_of(*trial.train(CodeType::kOpq, 8)).rms;
        CHECK(opq < 0.8 * pq);
    }
}

TEST_SUITE("rabit_quantizer") {
    TEST_CASE("estimates are unbiased, and their error falls with the bits") {
        const Trial trial(Metric::kL2);
        double before = 1;
        for (std::uint32_t bits = 1; bits <= RabitQuantizer::kBitsMax; ++bits) {
            CAPTURE(bits);
            const std::uint32_t code_bytes = 8 + kDimension * bits / 8;
            REQUIRE(RabitQuantizer::bits_of(kDimension, code_bytes) == bits);
            const auto error = trial.error_of(*trial.train(CodeType::kRabitq, code_bytes));
            CHECK(std::abs(error.mean) < 0.25 * error.rms);
            CHECK(error.rms < 0.7 * before);
            before = error.rms;
        }
    }

    TEST_CASE("any dimension has codes, and a vector is near its own") {
        for (std::uint32_t dimension = 1; dimension <= 70; ++dimension) {
            CAPTURE(dimension);
            const std::uint32_t code_bytes = 8 + dimension;
            const Trial trial(Metric::kL2, dimension);
            const auto codec = trial.train(CodeType::kRabitq, code_bytes);
            const auto codes = trial.encode(*codec);
            DistanceTable table;
            table.prepare(*codec, Metric::kL2, trial.row(7));
            const std::uint32_t ids[] = {7, 8, 9, 10};
            float out[4];
            table.estimate({codes.data(), codec->code_bytes()}, ids, out);
            const double own =
                exact_distance(Metric::kL2, trial.row(7),
                               std::vector<float>(trial.row(9).begin(), trial.row(9).end()));
            CHECK(std::abs(double{out[0]}) < 0.2 * (own + dimension));
            CHECK(std::abs(double{out[2]} - own) < 0.2 * (own + dimension));
        }
    }

    TEST_CASE("a vector that is the centroid") {
        const std::vector<float> rows(40, 3);
        const auto codec =
            train_codec(CodeType::kRabitq, rows, 4, {.code_bytes = 10}, base::Arena(1));
        std::vector<std::uint8_t> code(codec->code_bytes());
        codec->encode(std::span(rows).first(4), code);
        DistanceTable table;
        const std::vector<float> query = {3, 3, 3, 5};
        table.prepare(*codec, Metric::kL2, query);
        const std::uint32_t id = 0;
        float out = 0;
        table.estimate({code.data(), codec->code_bytes()}, {&id, 1}, &out);
        CHECK(out == doctest::Approx(4));
    }
}

TEST_SUITE("principal_axes") {
    TEST_CASE("axes are orthonormal, and subspaces share out the variance") {
        const auto rows = related_rows(kRows, kDimension, 1);
        const Subspaces subspaces(kDimension, 6);
        const auto axes = balanced_principal_axes(rows, subspaces);
        REQUIRE(axes.size() == std::size_t{kDimension} * kDimension);
        const auto axis = [&](std::size_t i) {
            return std::span(axes).subspan(i * kDimension, kDimension);
        };
        double worst = 0;
        for (std::size_t i = 0; i < kDimension; ++i) {
            for (std::size_t j = 0; j <= i; ++j) {
                const double dot =
                    std::inner_product(axis(i).begin(), axis(i).end(), axis(j).begin(), 0.0);
                worst = std::max(worst, std::abs(dot - (i == j ? 1 : 0)));
            }
        }
        CHECK(worst < 1e-4);
        std::vector<double> logs;
        for (std::uint32_t s = 0; s < subspaces.count(); ++s) {
            double sum = 0;
            for (std::uint32_t d = subspaces.begin(s); d < subspaces.begin(s) + subspaces.size(s);
                 ++d) {
                double squares = 0;
                double mean = 0;
                for (std::size_t i = 0; i < kRows; ++i) {
                    const double value = std::inner_product(
                        axis(d).begin(), axis(d).end(),
                        rows.begin() + static_cast<std::ptrdiff_t>(i * kDimension), 0.0);
                    squares += value * value;
                    mean += value;
                }
                sum += std::log(squares / kRows - mean / kRows * (mean / kRows));
            }
            logs.push_back(sum);
        }
        const auto [least, most] = std::minmax_element(logs.begin(), logs.end());
        CHECK(*most - *least < 3);
    }
}

}  // namespace
}  // namespace trackway::quant
