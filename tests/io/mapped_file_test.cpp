#include "io/mapped_file.h"

#include "base/resident_memory.h"
#include "io/file.h"
#include "support/temp_folder.h"

#include <doctest/doctest.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

using namespace trackway;
using namespace trackway::io;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;

void write_numbers(const std::filesystem::path& path, std::uint32_t count) {
    std::vector<std::uint32_t> numbers(count);
    for (std::uint32_t i = 0; i < count; ++i)
        numbers[i] = i;
    REQUIRE(write_file(path, std::as_bytes(std::span(numbers))));
}

// Of the mappings of this file alone: what else a sanitizer keeps resident does not count.
std::uint64_t resident_bytes_of(const std::filesystem::path& path) {
    std::ifstream maps("/proc/self/smaps");
    std::uint64_t bytes = 0;
    bool is_of_file = false;
    for (std::string line; std::getline(maps, line);) {
        const bool is_head = line.find('-') < line.find(' ');
        if (is_head) is_of_file = line.ends_with(path.string());
        if (is_of_file && line.starts_with("Rss:")) bytes += std::stoull(line.substr(4)) * 1024;
    }
    return bytes;
}

}  // namespace

TEST_SUITE("io") {
    TEST_CASE("a mapped file shows its bytes, and keeps what is written to it") {
        const test::TempFolder folder;
        write_numbers(folder / "numbers", 5000);
        ResidentLimit limit(UINT64_MAX);
        {
            auto mapped = MappedFile::open(folder / "numbers", true, limit);
            REQUIRE(mapped);
            REQUIRE(mapped->numbers().size() == 5000);
            CHECK(mapped->numbers()[4999] == 4999);
            mapped->writable_numbers()[7] = 70;
            MappedFile moved = std::move(*mapped);
            CHECK(moved.numbers()[7] == 70);
        }
        const auto read = MappedFile::open(folder / "numbers", false, limit);
        REQUIRE(read);
        CHECK(read->numbers()[7] == 70);
        CHECK(read->bytes().size() == 20000);
    }

    TEST_CASE("an empty file is an empty span, a missing one an error") {
        const test::TempFolder folder;
        write_numbers(folder / "empty", 0);
        ResidentLimit limit(UINT64_MAX);
        const auto empty = MappedFile::open(folder / "empty", false, limit);
        REQUIRE(empty);
        CHECK(empty->numbers().empty());
        const auto none = MappedFile::open(folder / "none", false, limit);
        REQUIRE_FALSE(none);
        CHECK(none.error().message.find("none") != std::string::npos);
    }

    TEST_CASE(
        "what is resident of mapped files is given back above the limit, and lost is nothing") {
        const test::TempFolder folder;
        constexpr std::uint32_t kCount = 32 * kMiB / 4 * 4;
        write_numbers(folder / "numbers", kCount);
        ResidentLimit none(UINT64_MAX);
        ResidentLimit limit(base::resident_bytes() + 16 * kMiB);
        limit.watch();
        for (ResidentLimit* watched : {&none, &limit}) {
            auto mapped = MappedFile::open(folder / "numbers", true, *watched);
            REQUIRE(mapped);
            const auto numbers = mapped->writable_numbers();
            for (std::uint32_t i = 0; i < kCount; i += 1024)
                numbers[i] += 1;
            if (watched == &none) {
                CHECK(resident_bytes_of(folder / "numbers") >= kCount / 1024 * 4096);
                continue;
            }
            // The watcher needs a moment, however busy the machine is.
            const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(60);
            while (resident_bytes_of(folder / "numbers") > 20 * kMiB &&
                   std::chrono::steady_clock::now() < patience)
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            CHECK(resident_bytes_of(folder / "numbers") <= 20 * kMiB);
            for (std::uint32_t i = 0; i < kCount; i += 1024)
                REQUIRE(numbers[i] == i + 2);
        }
    }

    TEST_CASE("threads that ask now and then keep the limit themselves, in any order of pages") {
        const test::TempFolder folder;
        constexpr std::uint32_t kCount = 32 * kMiB / 4 * 4;
        constexpr std::uint32_t kPages = kCount / 1024;
        write_numbers(folder / "numbers", kCount);
        ResidentLimit limit(base::resident_bytes() + 16 * kMiB);
        auto mapped = MappedFile::open(folder / "numbers", false, limit);
        REQUIRE(mapped);
        const auto numbers = mapped->numbers();
        const auto touch = [&](std::uint32_t part) {
            std::uint64_t sum = 0;
            for (std::uint32_t i = part; i < kPages; i += 2) {
                const std::uint32_t page = i * 7919 % kPages;
                sum += numbers[page * 1024];
                std::this_thread::sleep_for(std::chrono::microseconds(i % 64 == part ? 200 : 0));
                limit.keep();
                if (i % 4096 == 0) CHECK(resident_bytes_of(folder / "numbers") <= 48 * kMiB);
            }
            CHECK(sum != 0);
        };
        std::thread other([&] { touch(1); });
        touch(0);
        other.join();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        limit.keep();
        CHECK(resident_bytes_of(folder / "numbers") <= 20 * kMiB);
    }

    TEST_CASE("what is left below the limit is told, nothing mapped being resident") {
        const test::TempFolder folder;
        write_numbers(folder / "numbers", 32 * kMiB / 4);
        ResidentLimit limit(base::resident_bytes() + 1000 * kMiB);
        auto mapped = MappedFile::open(folder / "numbers", false, limit);
        REQUIRE(mapped);
        std::uint64_t sum = 0;
        for (const std::uint32_t number : mapped->numbers())
            sum += number;
        CHECK(sum > 0);
        CHECK(resident_bytes_of(folder / "numbers") == 32 * kMiB);
        CHECK(limit.room() > 500 * kMiB);  // a sanitizer takes some
        CHECK(resident_bytes_of(folder / "numbers") == 0);
        CHECK(ResidentLimit(1).room() == 0);
    }

    TEST_CASE("room is reserved before it is written, or refused") {
        const test::TempFolder folder;
        auto file = StagedFile::create(folder / "reserved");
        REQUIRE(file);
        REQUIRE(file->reserve(100000));
        CHECK(file->size_bytes() == 100000);
        const std::vector<std::byte> bytes(10, std::byte{7});
        REQUIRE(file->write_at(99990, bytes));
        const Status refused = file->reserve(std::uint64_t{1} << 62U);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().message.find("cannot write 4611686018427387904 bytes") !=
              std::string::npos);
        REQUIRE(file->name());
        const auto read = read_file(folder / "reserved", 1U << 20U);
        REQUIRE(read);
        CHECK(read->size() == 100000);
        CHECK(read->at(5) == std::byte{0});
        CHECK(read->back() == std::byte{7});
    }
}
