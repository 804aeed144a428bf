#include "io/file.h"

#include "support/expect.h"
#include "support/file_bytes.h"
#include "support/temp_folder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace trackway::io {
namespace {

using test::bytes_of_file;
using test::expect_error;
using test::expect_ok;
using test::expect_value;
using test::FileBytes;
using test::names_in;
using test::TempFolder;
using Names = std::vector<std::string>;

std::vector<std::byte> text(std::string_view characters) {
    return FileBytes().add_text(characters).bytes();
}

// Until it dies, files of this program may not grow beyond the limit.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t limit) : previous_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        getrlimit(RLIMIT_FSIZE, &previous_);
        const rlimit lower{limit, previous_.rlim_max};
        setrlimit(RLIMIT_FSIZE, &lower);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;
    ~FileSizeLimit() {
        setrlimit(RLIMIT_FSIZE, &previous_);
        std::signal(SIGXFSZ, previous_handler_);
    }

private:
    using SignalAction = void (*)(int);
    SignalAction previous_handler_;
    rlimit previous_{};
};

TEST_SUITE("io") {
    TEST_CASE("an opened file knows its name and size and reads from any offset") {
        const TempFolder folder;
        const auto path = FileBytes().add_text("0123456789").save(folder / "ten");
        const File file = expect_value(File::open(path));
        CHECK(file.descriptor() >= 0);
        CHECK(file.size_bytes() == 10);
        CHECK(file.path() == path);
        CHECK(!file.is_direct());
        std::vector<std::byte> out(4);
        expect_ok(file.read_exact(3, out));
        CHECK(out == text("3456"));
        expect_ok(file.read_exact(6, out));
        CHECK(out == text("6789"));
        expect_ok(file.read_exact(10, {}));
    }

    TEST_CASE("reading past the end is corruption that names offset, expected and found") {
        const TempFolder folder;
        const File file = expect_value(File::open(FileBytes().add_zeros(10).save(folder / "ten")));
        std::vector<std::byte> out(4);
        expect_error(file.read_exact(7, out), ErrorCode::kCorruption,
                     {"ten", "offset 7", "expected 4 bytes", "found 3"});
        expect_error(file.read_exact(10, out), ErrorCode::kCorruption, {"found 0"});
        expect_error(file.read_exact(std::uint64_t{1} << 40U, out), ErrorCode::kCorruption, {});
    }

    TEST_CASE("a direct file reads whole aligned blocks, or says that it is not direct") {
        const TempFolder folder;
        const auto path = FileBytes().add_zeros(4096).add_text("end").save(folder / "direct");
        const File file = expect_value(File::open_direct(path));
        if (!file.is_direct()) MESSAGE("this file system has no direct I/O");
        CHECK(file.size_bytes() == 4099);
        alignas(4096) static std::byte block[4096];
        block[17] = std::byte{1};
        expect_ok(file.read_exact(0, block));
        CHECK(block[17] == std::byte{0});
    }

    TEST_CASE("what is not a regular file is refused at once") {
        const TempFolder folder;
        const auto fifo = folder / "fifo";
        REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
        for (const auto open : {&File::open, &File::open_direct}) {
            expect_error(open(folder.path()), ErrorCode::kInvalidArgument,
                         {folder.path().string(), "a folder"});
            expect_error(open(fifo), ErrorCode::kInvalidArgument, {"fifo", "a special file"});
            expect_error(open("/dev/null"), ErrorCode::kInvalidArgument, {"a special file"});
            expect_error(open(folder / "absent"), ErrorCode::kNotFound, {"absent"});
        }
        const auto file = FileBytes().add_text("x").save(folder / "file");
        expect_error(File::open(file / "below"), ErrorCode::kIo, {"Not a directory"});
    }

    TEST_CASE("a symbolic link leads to a file that the user names, to none of this program's") {
        const TempFolder folder;
        const auto file = FileBytes().add_text("content").save(folder / "file");
        const auto link = folder / "link";
        std::filesystem::create_symlink(file, link);
        for (const auto open : {&File::open, &File::open_direct})
            expect_error(open(link), ErrorCode::kInvalidArgument, {"link", "a symbolic link"});
        CHECK(expect_value(File::open_input(link)).size_bytes() == 7);
        CHECK_FALSE(MendedFile::open(link).has_value());
    }

    TEST_CASE("a mended file keeps what is not written, and is as long as it is told") {
        const TempFolder folder;
        const auto path = FileBytes().add_text("0123456789").save(folder / "ten");
        MendedFile file = expect_value(MendedFile::open(path));
        std::array<std::byte, 4> bytes{};
        CHECK(file.read(6, bytes));
        CHECK_FALSE(file.read(8, bytes));
        CHECK(bytes_of_file(path).size() == 10);
        expect_ok(file.write(2, std::as_bytes(std::span("ab", 2))));
        expect_ok(file.finish(8));
        CHECK(bytes_of_file(path) == FileBytes().add_text("01ab4567").bytes());
        expect_ok(expect_value(MendedFile::open(folder / "new")).finish(3));
        CHECK(bytes_of_file(folder / "new").size() == 3);
        expect_error(MendedFile::open(folder.path()), ErrorCode::kIo, {"cannot open for writing"});
    }

    TEST_CASE("a moved file takes its descriptor along and closes the one it had") {
        const TempFolder folder;
        File a = expect_value(File::open(FileBytes().add_text("aaaa").save(folder / "a")));
        File b = expect_value(File::open(FileBytes().add_text("bb").save(folder / "b")));
        const int descriptor_a = a.descriptor();
        const int descriptor_b = b.descriptor();
        b = std::move(a);
        CHECK(b.descriptor() == descriptor_a);
        CHECK(b.size_bytes() == 4);
        CHECK(b.path() == folder / "a");
        struct stat status {};
        CHECK(fstat(descriptor_b, &status) != 0);
        {
            const File c = std::move(b);
            CHECK(fstat(descriptor_a, &status) == 0);
        }
        CHECK(fstat(descriptor_a, &status) != 0);
    }

    TEST_CASE("reading without an open file is an error") {
        std::vector<std::byte> out(1);
        expect_error(File().read_exact(0, out), ErrorCode::kIo, {"Bad file descriptor"});
    }

    TEST_CASE("what is no regular file is not replaced") {
        const TempFolder folder;
        const auto pipe = folder / "pipe";
        REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
        test::expect_error(StagedFile::create(pipe), ErrorCode::kInvalidArgument,
                           {"pipe: expected a regular file or none", "pipe or a device"});
        CHECK(std::filesystem::is_fifo(pipe));
        CHECK_FALSE(std::filesystem::exists(folder / "pipe.partial"));
    }

    TEST_CASE("a staged file gets its name when it is published, and only then") {
        const TempFolder folder;
        StagedFile staged = expect_value(StagedFile::create(folder / "name"));
        CHECK(staged.path() == folder / "name");
        CHECK(staged.staged_path() == folder / "name.partial");
        expect_ok(staged.append(text("hello ")));
        expect_ok(staged.append(text("world")));
        expect_ok(staged.append({}));
        expect_ok(staged.write_at(4, text("0-w")));
        CHECK(staged.size_bytes() == 11);
        expect_ok(staged.sync());
        CHECK(names_in(folder.path()) == Names{"name.partial"});
        expect_ok(staged.publish());
        CHECK(names_in(folder.path()) == Names{"name"});
        CHECK(bytes_of_file(folder / "name") == text("hell0-world"));
    }

    TEST_CASE("a published file outlives the object that wrote it") {
        const TempFolder folder;
        {
            StagedFile staged = expect_value(StagedFile::create(folder / "name"));
            expect_ok(staged.append(text("kept")));
            expect_ok(staged.publish());
        }
        CHECK(bytes_of_file(folder / "name") == text("kept"));
    }

    TEST_CASE("an unpublished file disappears and leaves what was there before") {
        const TempFolder folder;
        FileBytes().add_text("before").save(folder / "name");
        {
            StagedFile staged = expect_value(StagedFile::create(folder / "name"));
            expect_ok(staged.append(text("after")));
            CHECK(bytes_of_file(folder / "name") == text("before"));
        }
        CHECK(names_in(folder.path()) == Names{"name"});
        CHECK(bytes_of_file(folder / "name") == text("before"));
    }

    TEST_CASE("the rest of an earlier attempt is overwritten") {
        const TempFolder folder;
        FileBytes().add_text("a long rest of something").save(folder / "name.partial");
        expect_ok(write_file(folder / "name", text("new")));
        CHECK(names_in(folder.path()) == Names{"name"});
        CHECK(bytes_of_file(folder / "name") == text("new"));
    }

    TEST_CASE("a staged file that is moved stays, one that is assigned over disappears") {
        const TempFolder folder;
        std::optional<StagedFile> first = expect_value(StagedFile::create(folder / "first"));
        expect_ok(first->append(text("1")));
        StagedFile second = expect_value(StagedFile::create(folder / "second"));
        second = std::move(*first);
        first.reset();
        CHECK(names_in(folder.path()) == Names{"first.partial"});
        expect_ok(second.append(text("2")));
        expect_ok(second.publish());
        CHECK(bytes_of_file(folder / "first") == text("12"));
    }

    TEST_CASE("a staged file that cannot get its name is an error and disappears") {
        const TempFolder folder;
        std::filesystem::create_directory(folder / "name");
        FileBytes().add_text("x").save(folder / "name" / "inside");
        expect_error(write_file(folder / "name", text("new")), ErrorCode::kIo, {"name"});
        CHECK(names_in(folder.path()) == Names{"name"});
        expect_error(StagedFile::create(folder / "absent" / "name"), ErrorCode::kNotFound,
                     {"absent"});
    }

    TEST_CASE("a staged file never follows a link that lies in its place") {
        const TempFolder folder;
        FileBytes().add_text("precious").save(folder / "victim");
        std::filesystem::create_symlink(folder / "victim", folder / "name.partial");
        expect_error(StagedFile::create(folder / "name"), ErrorCode::kIo, {"name.partial"});
        CHECK(bytes_of_file(folder / "victim") == text("precious"));
    }

    TEST_CASE("a device that takes no more bytes is an error, and no file remains") {
        const TempFolder folder;
        const std::vector<std::byte> bytes(10'000);
        std::optional<Status> status;
        {
            const FileSizeLimit limit(4096);
            status = write_file(folder / "name", bytes);
        }
        expect_error(*status, ErrorCode::kIo, {"name.partial", "offset 4096", "File too large"});
        CHECK(names_in(folder.path()).empty());
    }

    TEST_CASE("written files are read back whole, up to the limit") {
        const TempFolder folder;
        for (const std::size_t size : {0U, 1U, 4096U, 100'001U}) {
            CAPTURE(size);
            std::vector<std::byte> bytes(size, std::byte{5});
            if (size > 0) bytes.back() = std::byte{6};
            const auto path = folder / "file";
            expect_ok(write_file(path, bytes));
            CHECK(expect_value(read_file(path, size)) == bytes);
            CHECK(expect_value(read_file(path, UINT64_MAX)) == bytes);
            if (size == 0) continue;
            expect_error(read_file(path, size - 1), ErrorCode::kCorruption,
                         {"file", "expected at most " + std::to_string(size - 1),
                          "found " + std::to_string(size)});
        }
        expect_error(read_file(folder / "absent", 10), ErrorCode::kNotFound, {"absent"});
    }

    TEST_CASE("a file larger than the limit is refused before memory is taken for it") {
        const TempFolder folder;
        const auto path = FileBytes().save(folder / "huge");
        std::filesystem::resize_file(path, std::uintmax_t{1} << 40U);  // holes only
        expect_error(read_file(path, 1000), ErrorCode::kCorruption, {"huge", "1099511627776"});
    }

    TEST_CASE("a folder can be synced, nothing else") {
        const TempFolder folder;
        expect_ok(sync_folder(folder.path()));
        expect_error(sync_folder(folder / "absent"), ErrorCode::kNotFound, {"absent"});
        const auto file = FileBytes().save(folder / "file");
        expect_error(sync_folder(file), ErrorCode::kIo, {"file", "Not a directory"});
    }

    TEST_CASE("a name without a folder is written in the current one") {
        const TempFolder folder;
        const auto previous = std::filesystem::current_path();
        std::filesystem::current_path(folder.path());
        const Status status = write_file("plain", text("x"));
        std::filesystem::current_path(previous);
        expect_ok(status);
        CHECK(bytes_of_file(folder / "plain") == text("x"));
    }
}

}  // namespace
}  // namespace trackway::io
