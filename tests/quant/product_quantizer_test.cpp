#include "quant/product_quantizer.h"

#include "support/decoded.h"
#include "support/elements.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace trackway::quant {
namespace {

using distance::kCodewords;

constexpr std::uint64_t kSeed = 81;

ProductQuantizer trained(std::span<const float> sample, std::uint32_t dimension,
                         std::uint32_t code_bytes, std::uint32_t threads = 2) {
    return ProductQuantizer::train(sample, dimension,
                                   {.code_bytes = code_bytes, .iterations = 4, .seed = 7},
                                   base::Arena(threads));
}

std::vector<std::uint8_t> code_of(const ProductQuantizer& quantizer,
                                  std::span<const float> vector) {
    std::vector<std::uint8_t> code(quantizer.code_bytes());
    quantizer.encode(vector, code);
    return code;
}

double squared_distance(std::span<const float> a, std::span<const float> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        sum += (double{a[i]} - double{b[i]}) * (double{a[i]} - double{b[i]});
    return sum;
}

// By plain loops: the least squared distance of a part of a vector to any codeword.
double least_distance(std::span<const float> part, const distance::Codebook& codebook) {
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t c = 0; c < kCodewords; ++c) {
        std::vector<float> codeword;
        for (std::size_t d = 0; d < part.size(); ++d)
            codeword.push_back(codebook.values[d * kCodewords + c]);
        least = std::min(least, squared_distance(part, codeword));
    }
    return least;
}

void check_subspaces(std::uint32_t dimension, std::uint32_t count) {
    const Subspaces subspaces(dimension, count);
    std::uint32_t next = 0;
    std::uint32_t wrong = 0;
    for (std::uint32_t s = 0; s < count; ++s) {
        wrong += subspaces.begin(s) == next ? 0 : 1;
        const std::uint32_t size = subspaces.size(s);
        wrong += size == dimension / count || size == (dimension + count - 1) / count ? 0 : 1;
        next += size;
    }
    CAPTURE(dimension);
    CAPTURE(count);
    CHECK(wrong == 0);
    CHECK(next == dimension);
}

TEST_SUITE("quant") {
    TEST_CASE("subspaces cover every dimension and differ in size by at most one") {
        for (std::uint32_t dimension = 1; dimension <= 70; ++dimension) {
            for (std::uint32_t count = 1; count <= dimension; ++count)
                check_subspaces(dimension, count);
        }
        for (const std::uint32_t count : {1U, 3U, 32U, 255U, 8191U, 16383U, 16384U})
            check_subspaces(kMaxDimension, count);
    }

    TEST_CASE("training gives the same codewords on any number of threads") {
        base::Random random(kSeed);
        const auto sample = test::random_floats(std::size_t{5'000} * 7, random);
        const auto one = trained(sample, 7, 3, 1);
        CHECK(one.codewords().size() == 7 * kCodewords);
        for (const std::uint32_t threads : {1U, 2U, 3U}) {
            CAPTURE(threads);
            const auto again = trained(sample, 7, 3, threads);
            CHECK(std::equal(one.codewords().begin(), one.codewords().end(),
                             again.codewords().begin(), again.codewords().end()));
        }
    }

    TEST_CASE("the seed decides about the codewords") {
        base::Random random(kSeed + 1);
        const auto sample = test::random_floats(std::size_t{1'000} * 2, random);
        const base::Arena arena(1);
        const auto first = ProductQuantizer::train(
            sample, 2, {.code_bytes = 1, .iterations = 2, .seed = 1}, arena);
        const auto second = ProductQuantizer::train(
            sample, 2, {.code_bytes = 1, .iterations = 2, .seed = 2}, arena);
        CHECK(!std::equal(first.codewords().begin(), first.codewords().end(),
                          second.codewords().begin()));
    }

    TEST_CASE("a code names the nearest codeword of every subspace") {
        base::Random random(kSeed + 2);
        for (const std::uint32_t code_bytes : {1U, 3U, 8U, 13U}) {
            constexpr std::uint32_t kDimension = 13;
            const auto sample = test::random_floats(std::size_t{600} * kDimension, random);
            const auto quantizer = trained(sample, kDimension, code_bytes);
            REQUIRE(quantizer.code_bytes() == code_bytes);
            for (int round = 0; round < 10; ++round) {
                CAPTURE(code_bytes);
                const auto vector = test::random_floats(kDimension, random);
                const auto approximate = test::decoded(quantizer, code_of(quantizer, vector));
                REQUIRE(approximate.size() == kDimension);
                for (std::uint32_t s = 0; s < code_bytes; ++s) {
                    const std::uint32_t begin = quantizer.subspaces().begin(s);
                    const std::uint32_t size = quantizer.subspaces().size(s);
                    const auto part = std::span(vector).subspan(begin, size);
                    const auto found =
                        squared_distance(part, std::span(approximate).subspan(begin, size));
                    CHECK(found <= least_distance(part, quantizer.codebook(s)) * (1 + 1e-5));
                }
            }
        }
    }

    TEST_CASE("no more rows than codewords are encoded without loss") {
        base::Random random(kSeed + 3);
        for (const std::size_t count : {1U, 5U, 256U}) {
            CAPTURE(count);
            const auto sample = test::random_floats(count * 11, random);
            const auto quantizer = trained(sample, 11, 4);
            for (std::size_t i = 0; i < count; ++i) {
                const auto row = std::span(sample).subspan(i * 11, 11);
                const auto back = test::decoded(quantizer, code_of(quantizer, row));
                CHECK(std::equal(row.begin(), row.end(), back.begin(), back.end()));
            }
        }
    }

    TEST_CASE("equal rows have the code of the first codewords") {
        const std::vector<float> sample(std::size_t{400} * 5, -2.5F);
        const auto quantizer = trained(sample, 5, 2);
        const auto row = std::span(sample).first(5);
        const auto code = code_of(quantizer, row);
        CHECK(code == std::vector<std::uint8_t>(2, 0));
        CHECK(test::decoded(quantizer, code) == std::vector<float>(5, -2.5F));
    }

    TEST_CASE("longer codes lose less") {
        base::Random random(kSeed + 4);
        const auto sample = test::random_floats(std::size_t{1'000} * 16, random);
        double previous = std::numeric_limits<double>::infinity();
        for (const std::uint32_t code_bytes : {1U, 3U, 8U, 16U}) {
            CAPTURE(code_bytes);
            const auto quantizer = trained(sample, 16, code_bytes);
            double loss = 0;
            for (std::size_t i = 0; i < 1'000; ++i) {
                const auto row = std::span(sample).subspan(i * 16, 16);
                loss += squared_distance(row, test::decoded(quantizer, code_of(quantizer, row)));
            }
            CHECK(loss < previous * 0.8);
            previous = loss;
        }
    }

    TEST_CASE("a quantizer made from the codewords of another gives the same codes") {
        base::Random random(kSeed + 5);
        const auto sample = test::random_floats(std::size_t{500} * 9, random);
        const auto first = trained(sample, 9, 4);
        const ProductQuantizer second(9, 4, {first.codewords().begin(), first.codewords().end()});
        CHECK(second.code_bytes() == 4);
        CHECK(second.subspaces().dimension() == 9);
        for (std::size_t i = 0; i < 500; ++i) {
            const auto row = std::span(sample).subspan(i * 9, 9);
            CHECK(code_of(first, row) == code_of(second, row));
        }
    }
}

}  // namespace
}  // namespace trackway::quant
