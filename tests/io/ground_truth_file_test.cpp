// Ground truth files and recall; the reading and writing of vectors is in vector_file_test.cpp.
#include "trackway/vector_file.h"

#include "support/expect.h"
#include "support/file_bytes.h"
#include "support/temp_folder.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace trackway {
namespace {

using test::bytes_of_file;
using test::expect_error;
using test::expect_ok;
using test::expect_value;
using test::FileBytes;
using test::TempFolder;

GroundTruth some_truth(std::uint32_t queries, std::uint32_t k, bool with_distances) {
    GroundTruth truth{.query_count = queries, .k = k, .ids = {}, .distances = {}};
    for (std::uint32_t i = 0; i < queries * k; ++i) {
        truth.ids.push_back(i * 2'654'435'761U);
        if (with_distances) truth.distances.push_back(static_cast<float>(i % k) * 0.5F);
    }
    return truth;
}

void check_round_trip(const std::filesystem::path& path, const GroundTruth& truth) {
    expect_ok(write_ground_truth(path, truth));
    const GroundTruth back = expect_value(read_ground_truth(path));
    CHECK(back.query_count == truth.query_count);
    CHECK(back.k == truth.k);
    CHECK(back.ids == truth.ids);
    CHECK(back.distances == truth.distances);
}

std::vector<Neighbor> found_rows(const std::vector<std::uint64_t>& ids) {
    std::vector<Neighbor> found;
    found.reserve(ids.size());
    for (const std::uint64_t id : ids)
        found.push_back({VectorId{id}, 0});
    return found;
}

FileBytes ibin(std::uint32_t queries, std::uint32_t k) {
    return FileBytes().add(queries).add(k);
}

TEST_SUITE("io") {
    TEST_CASE("ground truth comes back as it was written") {
        const TempFolder folder;
        for (const std::uint32_t queries : {1U, 2U, 7U}) {
            for (const std::uint32_t k : {1U, 2U, 10U}) {
                CAPTURE(queries);
                CAPTURE(k);
                check_round_trip(folder / "t.ibin", some_truth(queries, k, true));
                check_round_trip(folder / "t.ibin", some_truth(queries, k, false));
                check_round_trip(folder / "t.ivecs", some_truth(queries, k, false));
            }
        }
    }

    TEST_CASE("the bytes of a truth set are counts, ids, distances") {
        const TempFolder folder;
        const GroundTruth truth{.query_count = 1, .k = 2, .ids = {8, 9}, .distances = {0.5F, 4}};
        expect_ok(write_ground_truth(folder / "t.ibin", truth));
        const auto expected = ibin(1, 2).add(8U).add(9U).add(0.5F).add(4.0F).bytes();
        CHECK(bytes_of_file(folder / "t.ibin") == expected);
        expect_ok(write_ground_truth(folder / "t.ivecs", truth));
        const auto rows = FileBytes().add(2U).add(8U).add(9U).bytes();
        CHECK(bytes_of_file(folder / "t.ivecs") == rows);
    }

    TEST_CASE("a truth set of any other size than announced is corrupt") {
        const TempFolder folder;
        const auto path = folder / "t.ibin";
        // 2 x 3 cells: 24 bytes of ids, or 48 with distances.
        for (std::size_t size = 0; size < 60; ++size) {
            CAPTURE(size);
            ibin(2, 3).add_zeros(size).save(path);
            const auto truth = read_ground_truth(path);
            if (size == 24 || size == 48) {
                CHECK(expect_value(truth).distances.size() == (size - 24) / 4);
            } else {
                expect_error(truth, ErrorCode::kCorruption,
                             {"t.ibin", "found " + std::to_string(size + 8)});
            }
        }
        for (std::size_t size = 0; size < 8; ++size) {
            FileBytes().add_zeros(size).save(path);
            expect_error(read_ground_truth(path), ErrorCode::kCorruption, {"t.ibin", "8"});
        }
    }

    TEST_CASE("a truth set without queries, without k or with too many cells is corrupt") {
        const TempFolder folder;
        const auto path = folder / "t.ibin";
        constexpr std::uint32_t kMost = UINT32_MAX;
        for (const auto& counts : {std::pair(0U, 10U),
                                   {10U, 0U},
                                   {0U, 0U},
                                   {kMost, kMost},
                                   {1U << 31U, 1U << 31U},
                                   {1U << 16U, 1U << 16U}}) {
            CAPTURE(counts.first);
            CAPTURE(counts.second);
            for (const std::size_t size : {0U, 4U, 8U}) {
                ibin(counts.first, counts.second).add_zeros(size).save(path);
                expect_error(read_ground_truth(path), ErrorCode::kCorruption, {"t.ibin"});
            }
        }
    }

    TEST_CASE("a truncated or oversized .ivecs file is corrupt") {
        const TempFolder folder;
        const auto path = folder / "t.ivecs";
        expect_ok(write_ground_truth(path, some_truth(3, 4, false)));
        const auto whole = bytes_of_file(path);
        REQUIRE(whole.size() == 60);
        for (std::size_t size = 0; size < 60; ++size) {
            if (size % 20 == 0 && size > 0) continue;  // whole rows
            CAPTURE(size);
            FileBytes().add_bytes(std::span(whole).first(size)).save(path);
            expect_error(read_ground_truth(path), ErrorCode::kCorruption, {"t.ivecs"});
        }
        FileBytes().add_bytes(whole).add_zeros(1).save(path);
        expect_error(read_ground_truth(path), ErrorCode::kCorruption, {"t.ivecs", "61 bytes"});
    }

    TEST_CASE("rows of an .ivecs file all have the same positive k") {
        const TempFolder folder;
        const auto path = folder / "t.ivecs";
        FileBytes().add(2U).add_zeros(8).add(3U).add_zeros(8).save(path);
        expect_error(read_ground_truth(path), ErrorCode::kCorruption,
                     {"offset 12", "expected k = 2", "found 3"});
        FileBytes().add(0U).add(0U).save(path);
        expect_error(read_ground_truth(path), ErrorCode::kCorruption, {"k = 0"});
        FileBytes().add(UINT32_MAX).add_zeros(12).save(path);
        expect_error(read_ground_truth(path), ErrorCode::kCorruption, {"16 bytes"});
    }

    TEST_CASE("ground truth has two extensions and no other") {
        const TempFolder folder;
        for (const char* name : {"t.bin", "t", "t.fbin", ".ibin"}) {
            CAPTURE(name);
            expect_error(write_ground_truth(folder / name, some_truth(1, 1, false)),
                         ErrorCode::kInvalidArgument, {".ibin .ivecs"});
            expect_error(read_ground_truth(folder / name), ErrorCode::kInvalidArgument,
                         {".ibin .ivecs"});
        }
        CHECK(std::filesystem::is_empty(folder.path()));
        expect_error(read_ground_truth(folder / "t.ibin"), ErrorCode::kNotFound, {"t.ibin"});
        expect_error(write_ground_truth(folder / "absent" / "t.ibin", some_truth(1, 1, false)),
                     ErrorCode::kNotFound, {"absent"});
    }

    TEST_CASE("recall is the mean share of true neighbours that were found") {
        const GroundTruth truth{
            .query_count = 2, .k = 4, .ids = {1, 2, 3, 4, 5, 6, 7, 8}, .distances = {}};
        CHECK(recall_at_k(truth, found_rows({2, 1, 6, 5}), 2) == 1.0);
        CHECK(recall_at_k(truth, found_rows({1, 9, 9, 9}), 2) == 0.25);
        CHECK(recall_at_k(truth, found_rows({3, 4, 7, 8}), 2) == 0.0);
        CHECK(recall_at_k(truth, found_rows({5, 6, 1, 2}), 2) == 0.0);
        CHECK(recall_at_k(truth, found_rows({4, 3, 2, 1, 8, 0, 6, 9}), 4) == 0.75);
    }

    TEST_CASE("rows as near as the last true one count, where distances are known") {
        GroundTruth truth{
            .query_count = 1, .k = 5, .ids = {10, 11, 12, 13, 14}, .distances = {1, 2, 2, 2, 3}};
        CHECK(recall_at_k(truth, found_rows({10, 13}), 2) == 1.0);
        CHECK(recall_at_k(truth, found_rows({12, 13}), 2) == 1.0);
        CHECK(recall_at_k(truth, found_rows({10, 14}), 2) == 0.5);
        CHECK(recall_at_k(truth, found_rows({11}), 1) == 0.0);
        CHECK(recall_at_k(truth, found_rows({14, 13, 12, 11, 10}), 5) == 1.0);
        truth.distances.clear();
        CHECK(recall_at_k(truth, found_rows({10, 13}), 2) == 0.5);
    }

    TEST_CASE("ties at the last neighbour of one query do not reach into the next") {
        const GroundTruth truth{
            .query_count = 2, .k = 2, .ids = {1, 2, 3, 4}, .distances = {5, 5, 5, 6}};
        CHECK(recall_at_k(truth, found_rows({3, 3}), 1) == 0.5);
        CHECK(recall_at_k(truth, found_rows({2, 3}), 1) == 1.0);
        CHECK(recall_at_k(truth, found_rows({1, 3, 3, 4}), 2) == 0.75);
    }

    TEST_CASE("a row number beyond 32 bits is no true neighbour") {
        const GroundTruth truth{.query_count = 1, .k = 1, .ids = {7}, .distances = {}};
        CHECK(recall_at_k(truth, found_rows({7}), 1) == 1.0);
        CHECK(recall_at_k(truth, found_rows({(std::uint64_t{1} << 32U) + 7}), 1) == 0.0);
    }
}

}  // namespace
}  // namespace trackway
