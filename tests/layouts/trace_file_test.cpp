#include "layouts/trace_file.h"

#include "base/random.h"
#include "io/file.h"
#include "layouts/table_file.h"
#include "support/expect.h"
#include "support/temp_folder.h"

#include <doctest/doctest.h>

#include <vector>

using namespace trackway;
using namespace trackway::layouts;

namespace {

using Visits = std::vector<std::uint32_t>;

const Uuid kUuid = {5, 4, 3, 2, 1};

std::filesystem::path written(const test::TempFolder& folder, const Visits& visits) {
    const auto path = folder / "a.trace";
    test::expect_ok(write_trace(path, kUuid, visits));
    return path;
}

}  // namespace

TEST_SUITE("layouts") {
    TEST_CASE("a trace gives back the visits of every query, none included") {
        const test::TempFolder folder;
        Visits visits = {3, 9, 0, 5, 0, 1, 7};
        CHECK(test::expect_value(read_trace(written(folder, visits), kUuid, 10)) == visits);
        CHECK(test::expect_value(read_trace(written(folder, {0}), kUuid, 1)) == Visits{0});
        base::Random random(1);
        visits.clear();
        while (visits.size() < 600'000) {  // more than two chunks of a table
            const std::uint64_t count = random.below(100);
            visits.push_back(static_cast<std::uint32_t>(count));
            for (std::uint64_t i = 0; i < count; ++i)
                visits.push_back(static_cast<std::uint32_t>(random.below(1000)));
        }
        CHECK(test::expect_value(read_trace(written(folder, visits), kUuid, 1000)) == visits);
    }

    TEST_CASE("a trace of another index is refused") {
        const test::TempFolder folder;
        const auto path = written(folder, {1, 2});
        Uuid other = kUuid;
        other[15] = 1;
        test::expect_error(read_trace(path, other, 10), ErrorCode::kCorruption,
                           {"a.trace: ", "a file of another index"});
        test::expect_error(read_trace(folder / "none", kUuid, 10), ErrorCode::kNotFound, {"none"});
    }

    TEST_CASE("counts of visits beyond the end of the trace are refused with their offset") {
        const test::TempFolder folder;
        test::expect_error(read_trace(written(folder, {1}), kUuid, 10), ErrorCode::kCorruption,
                           {"offset 4096", "expected 1 visits, found 0"});
        test::expect_error(read_trace(written(folder, {2, 1, 1, 3, 5, 6}), kUuid, 10),
                           ErrorCode::kCorruption,
                           {"a.trace: offset 4108", "expected 3 visits, found 2"});
        test::expect_error(read_trace(written(folder, {0, UINT32_MAX, 1}), kUuid, 10),
                           ErrorCode::kCorruption, {"expected 4294967295 visits, found 1"});
    }

    TEST_CASE("places beyond those of the index are refused with their offset") {
        const test::TempFolder folder;
        const auto path = written(folder, {0, 3, 9, 0, 9});
        CHECK(read_trace(path, kUuid, 10));
        test::expect_error(read_trace(path, kUuid, 9), ErrorCode::kCorruption,
                           {"a.trace: offset 4104", "a place below 9, found 9"});
        test::expect_error(read_trace(written(folder, {1, UINT32_MAX}), kUuid, 10),
                           ErrorCode::kCorruption, {"offset 4100", "found 4294967295"});
    }

    TEST_CASE("every truncation, flipped bit and other kind of table is found") {
        const test::TempFolder folder;
        const auto path = written(folder, {2, 1, 4, 1, 3});
        const auto good = test::expect_value(io::read_file(path, 1U << 20U));
        for (std::size_t size = 0; size < good.size(); size += size < 4080 ? 255 : 1) {
            CAPTURE(size);
            test::expect_ok(io::write_file(path, std::span(good).first(size)));
            REQUIRE_FALSE(read_trace(path, kUuid, 10));
        }
        for (std::size_t byte = 0; byte < good.size(); byte += byte < 4080 ? 5 : 1) {
            CAPTURE(byte);
            auto bad = good;
            bad[byte] ^= std::byte{1} << (byte % 8);
            test::expect_ok(io::write_file(path, bad));
            REQUIRE_FALSE(read_trace(path, kUuid, 10));
        }
        const Visits visits = {1, 1};
        auto table = write_table(path, kUuid, {TableKind::kHot, sizeof(std::uint32_t), 2},
                                 std::as_bytes(std::span(visits)));
        REQUIRE(table);
        test::expect_ok(table->publish());
        test::expect_error(read_trace(path, kUuid, 10), ErrorCode::kCorruption,
                           {"kind: expected 6, found 4"});
    }
}
