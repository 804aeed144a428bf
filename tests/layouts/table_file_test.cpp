#include "layouts/table_file.h"

#include "base/random.h"
#include "io/file.h"
#include "support/temp_folder.h"

#include <doctest/doctest.h>

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

void overwrite(const std::filesystem::path& path, std::span<const std::byte> bytes) {
    REQUIRE(io::write_file(path, bytes));
}

}  // namespace

TEST_SUITE("layouts") {
    TEST_CASE("a table gives back its rows, also when they fill several chunks") {
        for (const std::uint64_t rows : {1U, 100U, 70000U}) {
            const test::TempFolder folder;
            const TableShape shape{TableKind::kCodes, 2, 33, rows};
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
        const TableShape shape{TableKind::kCodebook, 0, 16, 5};
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
        const TableShape shape{TableKind::kCodes, 1, 8, 10};
        const auto path = write(folder, shape);
        Uuid other = kUuid;
        other[0] = 77;
        const auto message = [&](const Uuid& uuid, const TableShape& expected) {
            return read_table(path, uuid, expected).error().message;
        };
        CHECK(message(other, shape).find("a file of another index") != std::string::npos);
        CHECK(message(kUuid, {TableKind::kCodes, 2, 8, 10}).find("shard: expected 2, found 1") !=
              std::string::npos);
        CHECK(message(kUuid, {TableKind::kCodebook, 1, 8, 10}).find("kind: expected 2, found 1") !=
              std::string::npos);
        CHECK(message(kUuid, {TableKind::kCodes, 1, 8, 11}).find("rows: expected 11, found 10") !=
              std::string::npos);
    }
}
