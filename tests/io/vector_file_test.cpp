#include "trackway/vector_file.h"

#include "support/elements.h"
#include "support/expect.h"
#include "support/file_bytes.h"
#include "support/temp_folder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <span>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace trackway {
namespace {

using test::bytes_of_file;
using test::expect_error;
using test::expect_ok;
using test::expect_value;
using test::FileBytes;
using test::names_in;
using test::TempFolder;
using Names = std::vector<std::string>;

constexpr std::uint64_t kSeed = 51;

struct Format {
    const char* name;
    ElementType type;
};
constexpr Format kFormats[] = {
    {"v.fbin", ElementType::kFloat32},  {"v.f16bin", ElementType::kFloat16},
    {"v.u8bin", ElementType::kUint8},   {"v.i8bin", ElementType::kInt8},
    {"v.fvecs", ElementType::kFloat32}, {"v.bvecs", ElementType::kUint8},
    {"f.npy", ElementType::kFloat32},   {"h.npy", ElementType::kFloat16},
    {"u.npy", ElementType::kUint8},     {"i.npy", ElementType::kInt8}};

struct Shape {
    std::uint64_t rows;
    std::uint32_t dimension;
};

// Appends in blocks of 1, 2, 3 ... rows.
void write_vectors(const std::filesystem::path& path, ElementType type, const Shape& shape,
                   std::span<const std::byte> bytes) {
    auto writer = expect_value(VectorFileWriter::create(path, type, shape.rows, shape.dimension));
    const std::size_t row = shape.dimension * element_size_bytes(type);
    for (std::size_t block = 1; !bytes.empty(); ++block) {
        const std::size_t size = std::min(block * row, bytes.size());
        expect_ok(writer.append(bytes.first(size)));
        bytes = bytes.subspan(size);
    }
    expect_ok(writer.finish());
}

std::vector<std::byte> read_vectors(const VectorFile& file, std::uint64_t block) {
    std::vector<std::byte> bytes(file.row_count() * file.row_bytes());
    for (std::uint64_t first = 0; first < file.row_count(); first += block) {
        const std::uint64_t count = std::min(block, file.row_count() - first);
        const auto out =
            std::span(bytes).subspan(first * file.row_bytes(), count * file.row_bytes());
        expect_ok(file.read(first, out));
    }
    return bytes;
}

void check_round_trip(const std::filesystem::path& path, ElementType type, const Shape& shape) {
    base::Random random(kSeed);
    const auto bytes = test::random_elements(type, shape.rows * shape.dimension, random);
    write_vectors(path, type, shape, bytes);
    const VectorFile file = expect_value(VectorFile::open(path));
    CHECK(file.row_count() == shape.rows);
    CHECK(file.dimension() == shape.dimension);
    CHECK(file.element_type() == type);
    CHECK(file.row_bytes() == shape.dimension * element_size_bytes(type));
    CHECK(file.path() == path);
    for (const std::uint64_t block : {std::uint64_t{1}, std::uint64_t{3}, shape.rows})
        CHECK(read_vectors(file, block) == bytes);
}

TEST_SUITE("io") {
    TEST_CASE("vectors of every format come back as they were written, in blocks of any size") {
        const TempFolder folder;
        for (const Format& format : kFormats) {
            for (const Shape& shape : {Shape{1, 1}, {1, 128}, {13, 7}, {100, 33}, {2, 16384}}) {
                CAPTURE(format.name);
                CAPTURE(name_of(format.type));
                CAPTURE(shape.rows);
                CAPTURE(shape.dimension);
                check_round_trip(folder / format.name, format.type, shape);
            }
        }
    }

    TEST_CASE("rows with a prefix are put together across more than one piece of reading") {
        const TempFolder folder;
        check_round_trip(folder / "v.fvecs", ElementType::kFloat32, {40, 16384});
        check_round_trip(folder / "v.bvecs", ElementType::kUint8, {20'000, 100});
    }

    TEST_CASE("the written bytes are those that the formats prescribe") {
        const TempFolder folder;
        const auto rows = FileBytes().add(1.5F).add(-2.0F).add(0.0F).add(8.0F).bytes();
        for (const char* name : {"v.fbin", "v.fvecs", "v.npy"})
            write_vectors(folder / name, ElementType::kFloat32, {2, 2}, rows);
        CHECK(bytes_of_file(folder / "v.fbin") ==
              FileBytes().add(2U).add(2U).add_bytes(rows).bytes());
        CHECK(bytes_of_file(folder / "v.fvecs") ==
              FileBytes().add(2U).add(1.5F).add(-2.0F).add(2U).add(0.0F).add(8.0F).bytes());
        std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
        header.resize(117, ' ');
        header += '\n';
        const auto npy = FileBytes()
                             .add_text("\x93NUMPY")
                             .add(std::uint16_t{1})
                             .add(std::uint16_t{118})
                             .add_text(header)
                             .add_bytes(rows);
        CHECK(bytes_of_file(folder / "v.npy") == npy.bytes());
    }

    TEST_CASE("reading no rows reads nothing, even behind the last row") {
        const TempFolder folder;
        for (const char* name : {"v.fbin", "v.fvecs"}) {
            write_vectors(folder / name, ElementType::kFloat32, {2, 1}, std::vector<std::byte>(8));
            const VectorFile file = expect_value(VectorFile::open(folder / name));
            expect_ok(file.read(0, {}));
            expect_ok(file.read(2, {}));
        }
    }

    TEST_CASE("NaN and infinity are errors that name the row, and only where they are read") {
        const TempFolder folder;
        for (const Format& format : kFormats) {
            if (test::is_integer(format.type)) continue;
            for (const double bad :
                 {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                  -std::numeric_limits<double>::infinity()}) {
                CAPTURE(format.name);
                CAPTURE(bad);
                const std::size_t size = element_size_bytes(format.type);
                const std::size_t row_bytes = 5 * size;
                std::vector<std::byte> rows(9 * row_bytes);
                test::put_element(rows.data() + 6 * row_bytes + 4 * size, format.type, bad);
                write_vectors(folder / format.name, format.type, {9, 5}, rows);
                const VectorFile file = expect_value(VectorFile::open(folder / format.name));
                std::vector<std::byte> out(4 * row_bytes);
                expect_ok(file.read(2, out));
                expect_error(file.read(3, out), ErrorCode::kInvalidArgument,
                             {format.name, "row 6", "NaN or infinity"});
                expect_error(file.read(5, out), ErrorCode::kInvalidArgument, {"row 6"});
                expect_ok(file.read(7, std::span(out).first(2 * row_bytes)));
            }
        }
    }

    TEST_CASE("the largest finite numbers are read") {
        const TempFolder folder;
        const auto floats = FileBytes()
                                .add(std::numeric_limits<float>::max())
                                .add(std::numeric_limits<float>::lowest())
                                .add(std::numeric_limits<float>::denorm_min())
                                .bytes();
        write_vectors(folder / "v.fbin", ElementType::kFloat32, {1, 3}, floats);
        CHECK(read_vectors(expect_value(VectorFile::open(folder / "v.fbin")), 1) == floats);
        const auto halfs =
            FileBytes().add(std::uint16_t{0x7bff}).add(std::uint16_t{0xfbff}).bytes();
        write_vectors(folder / "v.f16bin", ElementType::kFloat16, {1, 2}, halfs);
        CHECK(read_vectors(expect_value(VectorFile::open(folder / "v.f16bin")), 1) == halfs);
    }

    TEST_CASE("a row of another dimension is an error that names the row") {
        const TempFolder folder;
        FileBytes bytes;
        for (std::uint32_t row = 0; row < 5; ++row)
            bytes.add(row == 3 ? 1U : 2U).add(1.0F).add(2.0F);
        const VectorFile file = expect_value(VectorFile::open(bytes.save(folder / "v.fvecs")));
        CHECK(file.row_count() == 5);
        std::vector<std::byte> out(24);
        expect_ok(file.read(0, out));
        expect_error(file.read(1, out), ErrorCode::kCorruption,
                     {"row 3", "offset 36", "expected dimension 2", "found 1"});
    }

    TEST_CASE("rows beyond 4 GiB are found") {
        const TempFolder folder;
        constexpr std::uint32_t kRows = 300'000;
        const auto path = FileBytes().add(kRows).add(kMaxDimension).save(folder / "v.u8bin");
        const std::uint64_t last = 8 + std::uint64_t{kRows - 1} * kMaxDimension;
        std::fstream raw(path, std::ios::binary | std::ios::in | std::ios::out);
        raw.seekp(static_cast<std::streamoff>(last + kMaxDimension - 1));  // holes before
        raw.put('\x2a');
        raw.close();
        const VectorFile file = expect_value(VectorFile::open(path));
        std::vector<std::byte> row(kMaxDimension);
        expect_ok(file.read(kRows - 1, row));
        CHECK(row.back() == std::byte{0x2a});
        CHECK(std::count(row.begin(), row.end(), std::byte{0}) == kMaxDimension - 1);
    }

    TEST_CASE("what is not a file of vectors is refused at once") {
        const TempFolder folder;
        for (const Format& format : kFormats) {
            CAPTURE(format.name);
            const auto path = folder / format.name;
            expect_error(VectorFile::open(path), ErrorCode::kNotFound, {format.name});
            REQUIRE(mkfifo(path.c_str(), 0600) == 0);
            expect_error(VectorFile::open(path), ErrorCode::kInvalidArgument, {"a special file"});
            std::filesystem::remove(path);
            std::filesystem::create_directory(path);
            expect_error(VectorFile::open(path), ErrorCode::kInvalidArgument, {"a folder"});
        }
    }

    TEST_CASE("a file that shrinks after it was opened is corrupt where it ends") {
        const TempFolder folder;
        const auto path = folder / "v.fbin";
        write_vectors(path, ElementType::kFloat32, {10, 1}, std::vector<std::byte>(40));
        const VectorFile file = expect_value(VectorFile::open(path));
        std::filesystem::resize_file(path, 8 + 6 * 4);
        std::vector<std::byte> out(16);
        expect_ok(file.read(2, out));
        expect_error(file.read(4, out), ErrorCode::kCorruption, {"v.fbin", "offset 24"});
    }

    TEST_CASE("an unfinished writer leaves no file, and what was there before") {
        const TempFolder folder;
        for (const Format& format : kFormats) {
            CAPTURE(format.name);
            FileBytes().add_text("before").save(folder / format.name);
            {
                auto writer =
                    expect_value(VectorFileWriter::create(folder / format.name, format.type, 3, 2));
                const std::vector<std::byte> row(2 * element_size_bytes(format.type));
                expect_ok(writer.append(row));
                CHECK(names_in(folder.path()).size() == 2);
            }
            CHECK(names_in(folder.path()) == Names{format.name});
            CHECK(bytes_of_file(folder / format.name) == FileBytes().add_text("before").bytes());
            std::filesystem::remove(folder / format.name);
        }
    }

    TEST_CASE("a writer that is assigned over removes its file, a moved one goes on") {
        const TempFolder folder;
        auto first =
            expect_value(VectorFileWriter::create(folder / "a.u8bin", ElementType::kUint8, 1, 1));
        auto second =
            expect_value(VectorFileWriter::create(folder / "b.u8bin", ElementType::kUint8, 1, 1));
        second = std::move(first);
        CHECK(names_in(folder.path()) == Names{"a.u8bin.partial"});
        expect_ok(second.append(std::vector<std::byte>(1)));
        expect_ok(second.finish());
        CHECK(names_in(folder.path()) == Names{"a.u8bin"});
    }

    TEST_CASE("an extension that does not suit the elements is refused") {
        const TempFolder folder;
        for (const Format& format : kFormats) {
            for (const ElementType type : test::kElementTypes) {
                const bool suits = type == format.type || std::string(format.name).ends_with("npy");
                if (suits) continue;
                CAPTURE(format.name);
                expect_error(VectorFileWriter::create(folder / format.name, type, 1, 1),
                             ErrorCode::kInvalidArgument,
                             {format.name, name_of(type), name_of(format.type)});
            }
        }
        expect_error(VectorFileWriter::create(folder / "v.bin", ElementType::kInt8, 1, 1),
                     ErrorCode::kInvalidArgument, {"v.bin", ".fbin"});
        expect_error(VectorFileWriter::create(folder / "v.ivecs", ElementType::kInt8, 1, 1),
                     ErrorCode::kInvalidArgument, {".fvecs"});
        CHECK(names_in(folder.path()).empty());
    }

    TEST_CASE("more rows than a header can count are refused by the writer") {
        const TempFolder folder;
        expect_error(VectorFileWriter::create(folder / "v.u8bin", ElementType::kUint8,
                                              std::uint64_t{1} << 32U, 1),
                     ErrorCode::kInvalidArgument, {"4294967295", "4294967296"});
        CHECK(names_in(folder.path()).empty());
        expect_error(
            VectorFileWriter::create(folder / "absent" / "v.u8bin", ElementType::kUint8, 1, 1),
            ErrorCode::kNotFound, {"absent"});
    }
}

}  // namespace
}  // namespace trackway
