#include "build/workload.h"

#include "support/built_index.h"
#include "support/expect.h"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <string>

using namespace trackway;
using builder::Workload;

namespace {

// Row i holds i, twice.
test::Vectors counting_rows(std::uint64_t rows) {
    test::Vectors vectors;
    vectors.bytes.resize(rows * 2 * sizeof(float));
    for (std::uint64_t i = 0; i < 2 * rows; ++i) {
        const auto value = static_cast<float>(i / 2);
        std::memcpy(vectors.bytes.data() + i * sizeof value, &value, sizeof value);
    }
    vectors.view = {vectors.bytes.data(), ElementType::kFloat32, rows, 2};
    return vectors;
}

float first_of(const MatrixView& rows, std::uint64_t i) {
    float value = 0;
    std::memcpy(&value, rows.row(i), sizeof value);
    return value;
}

Workload read(const std::filesystem::path& path, const test::Vectors& like) {
    return test::expect_value(Workload::read(path, like.view, Metric::kL2));
}

}  // namespace

TEST_SUITE("build") {
    TEST_CASE("a workload is all rows of its file, or as many as may be spread evenly over it") {
        const test::TempFolder folder;
        const auto base = counting_rows(3);
        for (const std::uint64_t rows : {1U, 2U, 777U, 24'576U, 24'577U, 60'000U}) {
            CAPTURE(rows);
            test::write_vectors(folder / "w.npy", counting_rows(rows));
            const Workload workload = read(folder / "w.npy", base);
            CHECK_FALSE(workload.is_from_vectors());
            const MatrixView& queries = workload.queries();
            REQUIRE(queries.row_count == std::min<std::uint64_t>(rows, 24'576));
            CHECK(queries.dimension == 2);
            CHECK(queries.row_count * queries.row_bytes() <=
                  Workload::bytes_max(queries.row_bytes()));
            std::uint64_t wrong = 0;
            for (std::uint64_t i = 0; i < queries.row_count; ++i)
                wrong += first_of(queries, i) != static_cast<float>(i * rows / queries.row_count);
            CHECK(wrong == 0);
        }
    }

    TEST_CASE("a sample of the vectors stands in for a workload") {
        for (const std::uint64_t rows : {1U, 5000U, 20'000U}) {
            const auto vectors = counting_rows(rows);
            const Workload workload = Workload::from_vectors(vectors.view);
            CHECK(workload.is_from_vectors());
            const MatrixView& queries = workload.queries();
            REQUIRE(queries.row_count == std::min<std::uint64_t>(rows, 8192));
            for (std::uint64_t i = 0; i < queries.row_count; i += 100)
                CHECK(first_of(queries, i) == static_cast<float>(i * rows / queries.row_count));
            CHECK(first_of(queries, queries.row_count - 1) + 3 >= static_cast<float>(rows - 1));
        }
    }

    TEST_CASE("every other query judges") {
        CHECK_FALSE(Workload::judges(0));
        CHECK(Workload::judges(1));
        CHECK_FALSE(Workload::judges(2));
    }

    TEST_CASE("workloads that differ in a byte have different identities") {
        auto vectors = counting_rows(10);
        const auto digest = [&] {
            base::Checksum checksum;
            Workload::from_vectors(vectors.view).add_to(checksum);
            return checksum.digest128();
        };
        const auto before = digest();
        CHECK(before == digest());
        vectors.bytes[5] ^= std::byte{1};
        CHECK(before != digest());
    }

    TEST_CASE("queries that are not like the vectors are refused with both") {
        const test::TempFolder folder;
        const auto path = folder / "w.npy";
        const auto base = test::random_vectors(5, 6, ElementType::kFloat32, 1);
        test::write_vectors(path, test::random_vectors(5, 7, ElementType::kFloat32, 1));
        test::expect_error(Workload::read(path, base.view, Metric::kL2),
                           ErrorCode::kInvalidArgument,
                           {"w.npy: workload: expected float32 of dimension 6 like the vectors, "
                            "found float32 of dimension 7"});
        test::write_vectors(path, test::random_vectors(5, 6, ElementType::kUint8, 1));
        test::expect_error(Workload::read(path, base.view, Metric::kL2),
                           ErrorCode::kInvalidArgument, {"found uint8 of dimension 6"});
        test::expect_error(Workload::read(folder / "none.npy", base.view, Metric::kL2),
                           ErrorCode::kNotFound, {"none.npy"});
    }

    TEST_CASE("queries that are no numbers, or too long, are refused with their row") {
        const test::TempFolder folder;
        const auto base = counting_rows(3);
        const auto error_with = [&](std::uint64_t rows, std::uint64_t row, float value) {
            auto vectors = counting_rows(rows);
            std::memcpy(vectors.bytes.data() + row * 8, &value, sizeof value);
            test::write_vectors(folder / "w.fbin", vectors);
            const auto workload = Workload::read(folder / "w.fbin", base.view, Metric::kL2);
            REQUIRE_FALSE(workload);
            return workload.error().message;
        };
        CHECK(error_with(50, 31, std::numeric_limits<float>::quiet_NaN())
                  .find("w.fbin: row 31: expected finite numbers") != std::string::npos);
        CHECK(error_with(50, 49, 1e20F).find("w.fbin: row 49: expected a squared length") !=
              std::string::npos);
        // The row of the file, also where not every row is taken.
        CHECK(error_with(2 * 24'576, 40'000, 1e20F).find("w.fbin: row 40000:") !=
              std::string::npos);
    }
}
