#include "layouts/table_file.h"

#include "base/checksum.h"
#include "base/random.h"
#include "io/file.h"
#include "support/expect.h"
#include "support/temp_folder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

using namespace trackway;
using namespace trackway::layouts;

namespace {

const Uuid kUuid = {1, 2, 3, 4, 5, 6, 7, 8, 9};

std::vector<std::byte> random_rows(const TableShape& shape) {
    base::Random random(4);
    std::vector<std::byte> rows(shape.row_bytes * shape.row_count);
    for (std::byte& byte : rows)
        byte = static_cast<std::byte>(random.below(256));
    return rows;
}

std::filesystem::path write(const test::TempFolder& folder, const TableShape& shape) {
    const auto path = folder / "table";
    auto file = write_table(path, kUuid, shape, random_rows(shape));
    REQUIRE(file);
    REQUIRE(file->publish());
    return path;
}

// Says of itself that it has so many rows; the header's checksum is right.
void claim_rows(const std::filesystem::path& path, std::vector<std::byte> bytes,
                std::uint64_t row_count) {
    std::memcpy(bytes.data() + offsetof(TableHeader, row_count), &row_count, sizeof row_count);
    const std::uint64_t checksum =
        base::checksum64(std::span(bytes).subspan(16, kHeaderBytes - 16));
    std::memcpy(bytes.data() + 8, &checksum, sizeof checksum);
    REQUIRE(io::write_file(path, bytes));
}

void overwrite(const std::filesystem::path& path, std::span<const std::byte> bytes) {
    REQUIRE(io::write_file(path, bytes));
}

}  // namespace

TEST_SUITE("layouts") {
    TEST_CASE("a table gives back its rows, also when they fill several chunks") {
        for (const std::uint64_t rows : {1U, 100U, 70000U}) {
            const test::TempFolder folder;
            const TableShape shape{TableKind::kCodes, 33, rows};
            const auto path = write(folder, shape);
            const auto read = read_table(path, kUuid, shape);
            REQUIRE(read);
            const auto expected = random_rows(shape);
            REQUIRE(read->size() == expected.size());
            CHECK(std::memcmp(read->data(), expected.data(), expected.size()) == 0);
        }
    }

    TEST_CASE("every flipped bit, every truncation and every added byte of a table is found") {
        const test::TempFolder folder;
        const TableShape shape{TableKind::kCodebook, 16, 5};
        const auto path = write(folder, shape);
        const auto good = *io::read_file(path, 1 << 20);
        for (std::size_t byte = 0; byte < good.size(); ++byte) {
            CAPTURE(byte);
            auto bad = good;
            bad[byte] ^= std::byte{1} << (byte % 8);
            overwrite(path, bad);
            REQUIRE_FALSE(read_table(path, kUuid, shape));
        }
        for (const std::size_t size :
             {std::size_t{0}, std::size_t{100}, std::size_t{4096}, good.size() - 1}) {
            overwrite(path, std::span(good).first(size));
            REQUIRE_FALSE(read_table(path, kUuid, shape));
        }
        auto longer = good;
        longer.push_back(std::byte{0});
        overwrite(path, longer);
        REQUIRE_FALSE(read_table(path, kUuid, shape));
    }

    TEST_CASE("a table of another index, shard, kind or size is refused with a message") {
        const test::TempFolder folder;
        const TableShape shape{TableKind::kCodes, 8, 10};
        const auto path = write(folder, shape);
        Uuid other = kUuid;
        other[0] = 77;
        const auto message = [&](const Uuid& uuid, const TableShape& expected) {
            return read_table(path, uuid, expected).error().message;
        };
        CHECK(message(other, shape).find("a file of another index") != std::string::npos);
        CHECK(message(kUuid, {TableKind::kCodebook, 8, 10}).find("kind: expected 2, found 1") !=
              std::string::npos);
        CHECK(message(kUuid, {TableKind::kCodes, 8, 11}).find("rows: expected 11, found 10") !=
              std::string::npos);
    }

    TEST_CASE("a table of any number of rows gives back what it has, also none") {
        for (const std::uint64_t rows : {0U, 1U, 100U, 70000U}) {
            CAPTURE(rows);
            const test::TempFolder folder;
            const TableShape shape{TableKind::kTrace, 33, rows};
            const auto path = write(folder, shape);
            const auto read =
                test::expect_value(read_table(path, kUuid, {TableKind::kTrace, 33, kAnyRows}));
            const auto expected = random_rows(shape);
            REQUIRE(read.size() == expected.size());
            CHECK(std::ranges::equal(read.span(), expected));
        }
        const test::TempFolder folder;
        const auto path = write(folder, {TableKind::kTrace, 33, 10});
        for (const TableShape& other : {TableShape{TableKind::kHot, 33, kAnyRows},
                                        TableShape{TableKind::kTrace, 32, kAnyRows}})
            test::expect_error(read_table(path, kUuid, other), ErrorCode::kCorruption);
    }

    TEST_CASE("a table that claims more or fewer rows than its file holds is refused") {
        const test::TempFolder folder;
        const TableShape any{TableKind::kTrace, 4, kAnyRows};
        const auto path = write(folder, {TableKind::kTrace, 4, 10});
        const auto good = *io::read_file(path, 1 << 20);
        claim_rows(path, good, 10);
        CHECK(read_table(path, kUuid, any));
        const std::uint64_t size = good.size();
        constexpr std::uint64_t kTop = std::uint64_t{1} << 63U;
        for (const std::uint64_t rows :
             {std::uint64_t{0}, std::uint64_t{9}, std::uint64_t{11}, size - 1, size, size + 1,
              std::uint64_t{1} << 32U, std::uint64_t{1} << 62U, (kTop >> 1U) + 10, kTop, kTop + 10,
              kAnyRows - 1, kAnyRows}) {
            CAPTURE(rows);
            claim_rows(path, good, rows);
            test::expect_error(read_table(path, kUuid, any), ErrorCode::kCorruption,
                               {path.string()});
            test::expect_error(read_table(path, kUuid, {TableKind::kTrace, 4, 10}),
                               ErrorCode::kCorruption, {"rows: expected 10"});
        }
    }
}
