#include "quant/scalar_codes.h"

#include "support/elements.h"
#include "support/random_vectors.h"

#include <doctest/doctest.h>

#include <cmath>
#include <span>
#include <vector>

using namespace trackway;
using quant::ScalarCode;

namespace {

struct FloatRows {
    std::vector<float> values;
    MatrixView view;

    FloatRows(std::vector<float> v, std::uint32_t dimension) : values(std::move(v)) {
        view = {std::as_bytes(std::span(values)).data(), ElementType::kFloat32,
                values.size() / dimension, dimension};
    }
};

// What element i of the codes stands for.
double decoded(const base::AlignedBuffer& codes, const ScalarCode& code, std::size_t i) {
    const std::size_t size = element_size_bytes(code.stored());
    const double number = test::get_element(codes.data() + i * size, code.stored());
    return number * double{code.step} + double{code.offset};
}

ScalarCode fit(const MatrixView& rows, VectorEncoding encoding, Metric metric) {
    return quant::fit_code(rows, encoding, metric, base::Arena(1));
}

}  // namespace

TEST_SUITE("quant") {
    TEST_CASE("codes lie within half a step of what they stand for, and fill their range") {
        for (const ElementType type : {ElementType::kFloat32, ElementType::kFloat16}) {
            const auto rows = test::random_vectors(300, 7, type, 1);
            for (const Metric metric : {Metric::kL2, Metric::kInnerProduct}) {
                CAPTURE(name_of(metric));
                const ScalarCode code = fit(rows.view, VectorEncoding::kSq8, metric);
                const bool is_l2 = metric == Metric::kL2;
                CHECK(code.stored() == (is_l2 ? ElementType::kUint8 : ElementType::kInt8));
                CHECK((code.offset == 0) == !is_l2);
                const auto codes = quant::encode_matrix(rows.view, code, base::Arena(2));
                double least = 1000, most = -1000;
                for (std::size_t i = 0; i < 300 * 7; ++i) {
                    const double given =
                        test::get_element(rows.view.data + i * element_size_bytes(type), type);
                    REQUIRE(std::abs(decoded(codes, code, i) - given) <=
                            double{code.step} * 0.50001);
                    const double number = test::get_element(codes.data() + i, code.stored());
                    least = std::min(least, number);
                    most = std::max(most, number);
                }
                CHECK(std::max(std::abs(least), most) == (is_l2 ? 255 : 127));
                if (is_l2) CHECK(least == 0);
            }
        }
    }

    TEST_CASE("whole numbers that fit are encoded without loss") {
        const FloatRows rows({-3, 5, 252, 0, 17, 100}, 2);
        const ScalarCode l2 = fit(rows.view, VectorEncoding::kSq8, Metric::kL2);
        CHECK(l2.step == 1);
        CHECK(l2.offset == -3);
        const FloatRows small({-3, 5, 127, 0, 17, -127}, 2);
        const ScalarCode ip = fit(small.view, VectorEncoding::kSq8, Metric::kInnerProduct);
        CHECK(ip.step == 1);
        const auto l2_codes = quant::encode_matrix(rows.view, l2, base::Arena(1));
        const auto ip_codes = quant::encode_matrix(small.view, ip, base::Arena(1));
        for (std::size_t i = 0; i < 6; ++i) {
            CHECK(decoded(l2_codes, l2, i) == double{rows.values[i]});
            CHECK(decoded(ip_codes, ip, i) == double{small.values[i]});
        }
        const FloatRows wide({0, 256}, 1);
        CHECK(fit(wide.view, VectorEncoding::kSq8, Metric::kL2).step > 1);
    }

    TEST_CASE("elements that do not differ still have a code") {
        const FloatRows rows({0.5F, 0.5F, 0.5F, 0.5F}, 2);
        const ScalarCode code = fit(rows.view, VectorEncoding::kSq8, Metric::kL2);
        CHECK(code.step == 1);
        CHECK(decoded(quant::encode_matrix(rows.view, code, base::Arena(1)), code, 3) == 0.5);
        const FloatRows zeros({0, 0}, 1);
        CHECK(fit(zeros.view, VectorEncoding::kSq8, Metric::kCosine).step == 1);
    }

    TEST_CASE("float16 rounds to nearest and names the row that it does not hold") {
        const auto rows = test::random_vectors(50, 5, ElementType::kFloat32, 1);
        const ScalarCode code = fit(rows.view, VectorEncoding::kFloat16, Metric::kL2);
        const auto codes = quant::encode_matrix(rows.view, code, base::Arena(1));
        for (std::size_t i = 0; i < 250; ++i) {
            CHECK(test::get<base::Float16>(codes.data() + i * 2).bits ==
                  base::to_float16(test::get<float>(rows.view.data + i * 4)).bits);
        }
        CHECK(quant::first_row_beyond(rows.view, code) == 50);
        const FloatRows large({1, 65504, -65504, 2, 3, -65521}, 2);
        CHECK(quant::first_row_beyond(large.view, code) == 2);
    }

    TEST_CASE("under cosine the length of a row does not matter") {
        const FloatRows rows({3, 4, 0.03F, 0.04F, 3000, 4000, 0, 0}, 2);
        const ScalarCode code = fit(rows.view, VectorEncoding::kSq8, Metric::kCosine);
        const auto codes = quant::encode_matrix(rows.view, code, base::Arena(1));
        for (std::size_t i = 2; i < 6; ++i)
            CHECK(codes.data()[i] == codes.data()[i % 2]);
        CHECK(codes.data()[1] == std::byte{127});
        CHECK(codes.data()[6] == std::byte{0});
    }

    TEST_CASE("queries beyond the code are clamped; under inner product they have their own step") {
        const FloatRows rows({0, 1, 2, 255}, 1);
        const FloatRows query({-7, 300, 0.6F, 14}, 4);
        std::vector<float> values(4);
        std::vector<std::byte> out(4);
        const ScalarCode l2 = fit(rows.view, VectorEncoding::kSq8, Metric::kL2);
        CHECK(quant::encode_query(query.view.data, l2, values, out.data()) == 1);
        CHECK(out == std::vector{std::byte{0}, std::byte{255}, std::byte{1}, std::byte{14}});
        const ScalarCode ip = fit(rows.view, VectorEncoding::kSq8, Metric::kInnerProduct);
        const float scale = quant::encode_query(query.view.data, ip, values, out.data());
        CHECK(double{scale} == doctest::Approx(255.0 / 127 * 300 / 127));
        CHECK(out[1] == std::byte{127});
        CHECK(out[0] == std::byte{253});  // -3
        ScalarCode half{.encoding = VectorEncoding::kFloat16};
        const FloatRows huge({1e30F, -1e30F}, 2);
        CHECK(quant::encode_query(huge.view.data, half, std::span(values).first(2), out.data()) ==
              1);
        CHECK(base::to_float(test::get<base::Float16>(out.data() + 2)) == -65504);
    }

    TEST_CASE("codes do not depend on the number of threads") {
        const auto rows = test::random_vectors(5000, 6, ElementType::kFloat32, 3);
        for (const Metric metric : test::kMetrics) {
            const base::Arena one(1);
            const base::Arena many(4);
            const ScalarCode a = quant::fit_code(rows.view, VectorEncoding::kSq8, metric, one);
            const ScalarCode b = quant::fit_code(rows.view, VectorEncoding::kSq8, metric, many);
            CHECK(a.offset == b.offset);
            CHECK(a.step == b.step);
            const auto codes = quant::encode_matrix(rows.view, a, one);
            CHECK(
                std::ranges::equal(codes.span(), quant::encode_matrix(rows.view, a, many).span()));
        }
    }
}
