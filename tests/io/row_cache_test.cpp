#include "io/row_cache.h"

#include "base/random.h"
#include "support/expect.h"
#include "support/temp_folder.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace trackway::io {
namespace {

constexpr std::uint32_t kRows = 1000;
using Row = std::array<std::uint32_t, 3>;

Row row_of(std::uint32_t number) {
    return {number, 2 * number, 3 * number};
}

void write_rows(const std::filesystem::path& path) {
    std::vector<Row> rows;
    for (std::uint32_t i = 0; i < kRows; ++i)
        rows.push_back(row_of(i));
    test::expect_ok(write_file(path, std::as_bytes(std::span(rows))));
}

TEST_SUITE("io") {
    TEST_CASE("rows in any order are those of the file, whether few or all are kept") {
        const test::TempFolder folder;
        write_rows(folder / "rows");
        const File file = test::expect_value(File::open(folder / "rows"));
        for (const std::uint64_t memory : {0U, 100U, 2000U, 1U << 20U}) {
            CAPTURE(memory);
            RowCache cache(file, sizeof(Row), memory);
            base::Random draw(7);
            for (std::uint32_t i = 0; i < 20 * kRows; ++i) {
                const auto number = static_cast<std::uint32_t>(draw() % kRows);
                Row row{};
                test::expect_ok(cache.copy(number, std::as_writable_bytes(std::span(row))));
                REQUIRE(row == row_of(number));
            }
        }
    }

    TEST_CASE("a row that was read is not read again, one that could not be read is") {
        const test::TempFolder folder;
        write_rows(folder / "rows");
        const File file = test::expect_value(File::open(folder / "rows"));
        RowCache cache(file, sizeof(Row), 1U << 20U);
        Row row{};
        const auto copy = [&](std::uint32_t number) {
            return cache.copy(number, std::as_writable_bytes(std::span(row)));
        };
        test::expect_ok(copy(kRows - 1));
        std::filesystem::resize_file(folder / "rows", sizeof(Row) * (kRows - 1));
        row = {};
        test::expect_ok(copy(kRows - 1));
        CHECK(row == row_of(kRows - 1));
        std::filesystem::resize_file(folder / "rows", 0);
        for (int i = 0; i < 2; ++i)
            test::expect_error(copy(5), ErrorCode::kCorruption, {(folder / "rows").string()});
        std::filesystem::resize_file(folder / "rows", sizeof(Row) * kRows);  // with zeros
        test::expect_ok(copy(5));
        CHECK(row == Row{});
    }
}

}  // namespace
}  // namespace trackway::io
