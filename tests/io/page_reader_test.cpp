#include "io/page_reader.h"

#include "base/aligned_buffer.h"
#include "base/random.h"
#include "io/memory_page_reader.h"
#include "support/expect.h"
#include "support/file_bytes.h"
#include "support/temp_folder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trackway::io {
namespace {

using test::expect_value;
using test::FileBytes;
using test::TempFolder;

constexpr std::uint64_t kSeed = 61;
constexpr std::uint32_t kPage = 4096;
constexpr int kUntouched = -123'456;

struct Kind {
    const char* name;
    const char* engine;
    bool direct;
};
constexpr Kind kKinds[] = {{"io_uring", "uring", false},
                           {"io_uring past the page cache", "uring", true},
                           {"pread", "pread", false},
                           {"pread past the page cache", "pread", true},
                           {"memory", "memory", false}};

std::vector<std::byte> random_bytes(std::size_t size, std::uint64_t seed) {
    base::Random random(seed);
    std::vector<std::byte> bytes(size);
    for (std::byte& byte : bytes)
        byte = static_cast<std::byte>(random.below(256));
    return bytes;
}

// Files of known bytes on disk, and a reader of them with a buffer for each slot.
class Fixture {
public:
    Fixture(const Kind& kind, std::uint32_t depth, std::uint32_t page_size = kPage)
        : page_size_(page_size), buffers_(std::size_t{depth} * page_size), reads_(depth) {
        // The first ends with a page, the second within one.
        for (const std::size_t size :
             {std::size_t{40} * page_size, std::size_t{3} * page_size + 1000})
            add_file(size, kind.direct);
        for (std::uint32_t i = 0; i < depth; ++i)
            reads_[i].buffer = buffers_.data() + std::size_t{i} * page_size;
        open(kind, depth);
    }

    // Null where the kernel forbids io_uring: then there is nothing to test.
    PageReader* reader() { return reader_.get(); }
    void close() { reader_.reset(); }

    PageRead* aim(std::size_t slot, std::uint32_t file, std::uint64_t page) {
        PageRead& read = reads_[slot];
        std::memset(read.buffer, 0xee, page_size_);
        read.file = file;
        read.offset = page * page_size_;
        read.owner = static_cast<std::uint32_t>(slot);
        read.result = kUntouched;
        return &read;
    }

    std::uint64_t page_count(std::uint32_t file) const {
        return (contents_[file].size() + page_size_ - 1) / page_size_;
    }

    // The read brought just the bytes that the file has there.
    bool is_right(const PageRead& read) const {
        const auto& content = contents_[read.file];
        const std::size_t begin = std::min<std::size_t>(read.offset, content.size());
        const std::size_t size = std::min<std::size_t>(page_size_, content.size() - begin);
        return read.result == static_cast<int>(size) &&
               std::equal(read.buffer, read.buffer + size, content.data() + begin);
    }

    const std::filesystem::path& path(std::uint32_t file) const { return files_[file].path(); }

private:
    void add_file(std::size_t size, bool direct) {
        contents_.push_back(random_bytes(size, kSeed + contents_.size()));
        const auto path = FileBytes()
                              .add_bytes(contents_.back())
                              .save(folder_ / std::to_string(contents_.size()));
        files_.push_back(expect_value(direct ? File::open_direct(path) : File::open(path)));
    }

    void open(const Kind& kind, std::uint32_t depth) {
        const std::string_view engine = kind.engine;
        if (engine == "memory") {
            reader_ = std::make_unique<MemoryPageReader>(
                std::vector<std::span<const std::byte>>(contents_.begin(), contents_.end()),
                page_size_, depth);
            return;
        }
        std::vector<const File*> pointers;
        for (const File& file : files_)
            pointers.push_back(&file);
        auto opened = open_page_reader(engine == "uring" ? IoEngine::kUring : IoEngine::kPread,
                                       {.files = pointers,
                                        .buffers = buffers_.span(),
                                        .page_size_bytes = page_size_,
                                        .depth = depth});
        if (!opened && engine == "uring") {
            MESSAGE("skipped: ", opened.error().message);
            return;
        }
        reader_ = expect_value(std::move(opened));
        CHECK(reader_->engine() == engine);
    }

    std::uint32_t page_size_;
    TempFolder folder_;
    std::vector<std::vector<std::byte>> contents_;
    std::vector<File> files_;
    base::AlignedBuffer buffers_;
    std::vector<PageRead> reads_;
    std::unique_ptr<PageReader> reader_;  // dies first
};

// The body for every kind of reader that this machine can open.
template <class Body>
void for_each_kind(std::uint32_t depth, const Body& body) {
    for (const Kind& kind : kKinds) {
        CAPTURE(kind.name);
        CAPTURE(depth);
        Fixture fixture(kind, depth);
        if (fixture.reader() != nullptr) body(fixture, *fixture.reader());
    }
}

std::vector<PageRead*> reap_all(PageReader& reader) {
    std::vector<PageRead*> all;
    for (auto some = reader.reap(); !some.empty(); some = reader.reap())
        all.insert(all.end(), some.begin(), some.end());
    return all;
}

// Keeps every slot busy with random pages until `total` reads came back right.
void read_randomly(Fixture& fixture, PageReader& reader, std::size_t depth, std::size_t total) {
    base::Random random(kSeed + depth);
    std::vector<std::size_t> idle;
    for (std::size_t slot = 0; slot < depth; ++slot)
        idle.push_back(slot);
    std::size_t done = 0;
    std::size_t wrong = 0;
    while (done < total) {
        std::vector<PageRead*> batch;
        for (const std::size_t slot : idle) {
            const auto file = static_cast<std::uint32_t>(random.below(2));
            batch.push_back(fixture.aim(slot, file, random.below(fixture.page_count(file))));
        }
        idle.clear();
        reader.submit(batch);
        REQUIRE(reader.free_slots() == 0);
        const auto finished = reader.reap();
        REQUIRE(!finished.empty());
        for (const PageRead* read : finished) {
            wrong += fixture.is_right(*read) ? 0 : 1;
            idle.push_back(read->owner);
        }
        REQUIRE(reader.free_slots() == idle.size());
        done += finished.size();
    }
    CHECK(wrong == 0);
    CHECK(reap_all(reader).size() == depth - idle.size());
    CHECK(reader.free_slots() == depth);
}

void submit_in_pieces(Fixture& fixture, PageReader& reader, std::size_t depth) {
    std::size_t slot = 0;
    for (const std::size_t piece : {1U, 0U, 4U, 7U}) {
        std::vector<PageRead*> batch;
        for (std::size_t i = 0; i < piece; ++i, ++slot)
            batch.push_back(fixture.aim(slot, 0, slot * 3));
        reader.submit(batch);
        CHECK(reader.free_slots() == depth - slot);
    }
    CHECK(slot == depth);
}

TEST_SUITE("io") {
    TEST_CASE("pages in random order come back whole with all slots in use") {
        for (const std::uint32_t depth : {1U, 2U, 7U, 32U, 100U}) {
            for_each_kind(depth, [depth](Fixture& fixture, PageReader& reader) {
                read_randomly(fixture, reader, depth, 600);
            });
        }
    }

    TEST_CASE("pages of every size are read") {
        for (const std::uint32_t page_size : {4096U, 8192U, 65536U}) {
            for (const Kind& kind : kKinds) {
                CAPTURE(kind.name);
                CAPTURE(page_size);
                Fixture fixture(kind, 4, page_size);
                if (fixture.reader() != nullptr) read_randomly(fixture, *fixture.reader(), 4, 100);
            }
        }
    }

    TEST_CASE("each read comes back once, whatever pieces they were submitted in") {
        for_each_kind(12, [](Fixture& fixture, PageReader& reader) {
            submit_in_pieces(fixture, reader, 12);
            std::vector<std::uint32_t> owners;
            for (const PageRead* read : reap_all(reader)) {
                CHECK(fixture.is_right(*read));
                owners.push_back(read->owner);
            }
            std::sort(owners.begin(), owners.end());
            CHECK(owners.size() == 12);
            CHECK(std::adjacent_find(owners.begin(), owners.end()) == owners.end());
        });
    }

    TEST_CASE("one page may be read into several buffers at once") {
        for_each_kind(8, [](Fixture& fixture, PageReader& reader) {
            std::vector<PageRead*> batch;
            for (std::size_t slot = 0; slot < 8; ++slot)
                batch.push_back(fixture.aim(slot, 1, 2));
            reader.submit(batch);
            CHECK(reap_all(reader).size() == 8);
            for (const PageRead* read : batch)
                CHECK(fixture.is_right(*read));
        });
    }

    TEST_CASE("waiting for nothing returns nothing at once") {
        for_each_kind(3, [](Fixture& fixture, PageReader& reader) {
            CHECK(reader.reap().empty());
            PageRead* read = fixture.aim(0, 0, 0);
            reader.submit({&read, 1});
            CHECK(reap_all(reader).size() == 1);
            CHECK(reader.reap().empty());
            CHECK(reader.free_slots() == 3);
        });
    }

    TEST_CASE("the last page of a file is as short as the file, pages behind it are empty") {
        for_each_kind(6, [](Fixture& fixture, PageReader& reader) {
            const std::vector<PageRead*> batch = {fixture.aim(0, 1, 2),  fixture.aim(1, 1, 3),
                                                  fixture.aim(2, 1, 4),  fixture.aim(3, 1, 1000),
                                                  fixture.aim(4, 0, 39), fixture.aim(5, 0, 40)};
            reader.submit(batch);
            CHECK(reap_all(reader).size() == 6);
            CHECK(batch[0]->result == kPage);
            CHECK(batch[1]->result == 1000);
            CHECK(batch[2]->result == 0);
            CHECK(batch[3]->result == 0);
            CHECK(batch[4]->result == kPage);
            CHECK(batch[5]->result == 0);
            for (const PageRead* read : batch)
                CHECK(fixture.is_right(*read));
        });
    }

    TEST_CASE("a file that was cut short under the reader gives short pages") {
        for_each_kind(4, [](Fixture& fixture, PageReader& reader) {
            if (std::string_view(reader.engine()) == "memory") return;
            std::filesystem::resize_file(fixture.path(0), std::uintmax_t{5} * kPage + 512);
            const std::vector<PageRead*> batch = {fixture.aim(0, 0, 4), fixture.aim(1, 0, 5),
                                                  fixture.aim(2, 0, 6), fixture.aim(3, 1, 0)};
            reader.submit(batch);
            CHECK(reap_all(reader).size() == 4);
            CHECK(batch[0]->result == kPage);
            CHECK(batch[1]->result == 512);
            CHECK(batch[2]->result == 0);
            CHECK(batch[3]->result == kPage);
        });
    }

    TEST_CASE("a read that fails gives minus errno, and others go on") {
        const TempFolder folder;
        const File good = expect_value(
            File::open(FileBytes().add_zeros(std::size_t{2} * kPage).save(folder / "good")));
        const File bad;
        const File* files[] = {&bad, &good};
        base::AlignedBuffer buffers(4 * std::size_t{kPage});
        for (const IoEngine engine : {IoEngine::kUring, IoEngine::kPread}) {
            CAPTURE(static_cast<int>(engine));
            auto opened = open_page_reader(
                engine,
                {.files = files, .buffers = buffers.span(), .page_size_bytes = kPage, .depth = 4});
            if (!opened && engine == IoEngine::kUring) {
                MESSAGE("skipped: ", opened.error().message);
                continue;
            }
            const auto reader = expect_value(std::move(opened));
            for (int round = 0; round < 3; ++round) {
                std::vector<PageRead> reads(4);
                std::vector<PageRead*> batch;
                for (std::uint32_t i = 0; i < 4; ++i) {
                    reads[i].file = i % 2;
                    reads[i].buffer = buffers.data() + std::size_t{i} * kPage;
                    batch.push_back(&reads[i]);
                }
                reader->submit(batch);
                CHECK(reap_all(*reader).size() == 4);
                for (const PageRead& read : reads)
                    CHECK(read.result == (read.file == 0 ? -EBADF : static_cast<int>(kPage)));
            }
        }
    }

    TEST_CASE("a reader that dies with reads in flight waits for them") {
        for (const std::uint32_t depth : {1U, 5U, 64U}) {
            for_each_kind(depth, [depth](Fixture& fixture, PageReader& reader) {
                std::vector<PageRead*> batch;
                for (std::uint32_t slot = 0; slot < depth; ++slot)
                    batch.push_back(fixture.aim(slot, 0, slot % 40));
                reader.submit(batch);
                fixture.close();
                std::size_t wrong = 0;
                for (const PageRead* read : batch)
                    wrong += fixture.is_right(*read) ? 0 : 1;
                CHECK(wrong == 0);
            });
        }
    }

    TEST_CASE("an automatic reader is io_uring, or pread that says why") {
        const TempFolder folder;
        const File file = expect_value(File::open(FileBytes().add_zeros(kPage).save(folder / "f")));
        const File* files[] = {&file};
        base::AlignedBuffer buffers(kPage);
        const PageReaderSetup setup{
            .files = files, .buffers = buffers.span(), .page_size_bytes = kPage, .depth = 1};
        const auto automatic = expect_value(open_page_reader(IoEngine::kAuto, setup));
        const auto uring = open_page_reader(IoEngine::kUring, setup);
        if (uring) {
            CHECK(std::string(automatic->engine()) == "uring");
            CHECK(automatic->description() == (*uring)->description());
            CHECK(automatic->description().starts_with("io_uring: "));
            CHECK(automatic->description().ends_with(", restricted to reads"));
        } else {
            CHECK(std::string(automatic->engine()) == "pread");
            CHECK(automatic->description().ends_with("(" + uring.error().message + ")"));
        }
        PageRead read{.buffer = buffers.data(), .result = kUntouched};
        PageRead* pointer = &read;
        automatic->submit({&pointer, 1});
        CHECK(reap_all(*automatic).size() == 1);
        CHECK(read.result == kPage);
    }

    TEST_CASE("the pread reader says on how many threads it reads, and why") {
        const TempFolder folder;
        const File file = expect_value(File::open(FileBytes().add_zeros(kPage).save(folder / "f")));
        const File* files[] = {&file};
        base::AlignedBuffer buffers(std::size_t{64} * kPage);
        PageReaderSetup setup{
            .files = files, .buffers = buffers.span(), .page_size_bytes = kPage, .depth = 3};
        CHECK(expect_value(open_page_reader(IoEngine::kPread, setup))->description() ==
              "pread on 3 threads");
        setup.depth = 64;
        CHECK(expect_value(open_pread_page_reader(setup, "no ring"))->description() ==
              "pread on 16 threads (no ring)");
    }
}

}  // namespace
}  // namespace trackway::io
