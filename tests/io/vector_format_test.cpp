#include "io/vector_format.h"

#include "support/expect.h"
#include "support/file_bytes.h"
#include "support/temp_folder.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trackway::io {
namespace {

using test::expect_error;
using test::expect_value;
using test::FileBytes;
using test::TempFolder;

constexpr std::size_t kHugeDimension = kMaxDimension + 1;

Result<VectorLayout> layout_of(const TempFolder& folder, std::string_view name,
                               const FileBytes& bytes) {
    return read_vector_layout(expect_value(File::open(bytes.save(folder / name))));
}

FileBytes bin(std::uint32_t rows, std::uint32_t dimension, std::size_t rest) {
    return FileBytes().add(rows).add(dimension).add_zeros(rest);
}

std::string dictionary(std::string_view descr, std::string_view fortran, std::string_view shape) {
    return "{'descr': " + std::string(descr) + ", 'fortran_order': " + std::string(fortran) +
           ", 'shape': " + std::string(shape) + ", }";
}

FileBytes npy(const std::string& header, std::size_t rest, unsigned major = 1) {
    FileBytes bytes;
    bytes.add_text("\x93NUMPY").add(static_cast<std::uint8_t>(major)).add(std::uint8_t{0});
    if (major == 1) bytes.add(static_cast<std::uint16_t>(header.size()));
    if (major != 1) bytes.add(static_cast<std::uint32_t>(header.size()));
    return bytes.add_text(header).add_zeros(rest);
}

FileBytes npy_of_shape(std::string_view shape, std::size_t rest) {
    return npy(dictionary("'|u1'", "False", shape), rest);
}

TEST_SUITE("io") {
    TEST_CASE("the layout of a .bin file follows from its header") {
        const TempFolder folder;
        const std::pair<const char*, ElementType> formats[] = {{"v.fbin", ElementType::kFloat32},
                                                               {"v.f16bin", ElementType::kFloat16},
                                                               {"v.u8bin", ElementType::kUint8},
                                                               {"v.i8bin", ElementType::kInt8}};
        for (const auto& format : formats) {
            CAPTURE(format.first);
            const std::size_t size = element_size_bytes(format.second);
            const auto layout = expect_value(layout_of(folder, format.first, bin(5, 3, 15 * size)));
            CHECK(layout.element_type == format.second);
            CHECK(layout.row_count == 5);
            CHECK(layout.dimension == 3);
            CHECK(layout.first_row_offset == 8);
            CHECK(layout.row_bytes() == 3 * size);
            CHECK(layout.stride_bytes() == 3 * size);
        }
    }

    TEST_CASE("a short or long .bin file is an error that names the expected size") {
        const TempFolder folder;
        for (const std::size_t rest : {0U, 1U, 59U, 61U, 64U, 72U}) {
            CAPTURE(rest);
            expect_error(layout_of(folder, "v.fbin", bin(5, 3, rest)), ErrorCode::kCorruption,
                         {"v.fbin", "expected 68 bytes", "5 rows of 3 float32",
                          "found " + std::to_string(rest + 8)});
        }
        for (std::size_t size = 0; size < 8; ++size) {
            expect_error(layout_of(folder, "v.fbin", FileBytes().add_zeros(size)),
                         ErrorCode::kCorruption, {"v.fbin"});
        }
    }

    TEST_CASE("a file without rows is refused in every format") {
        const TempFolder folder;
        expect_error(layout_of(folder, "v.fbin", bin(0, 3, 0)), ErrorCode::kInvalidArgument,
                     {"at least one row"});
        expect_error(layout_of(folder, "v.npy", npy_of_shape("(0, 3)", 0)),
                     ErrorCode::kInvalidArgument, {"at least one row"});
        expect_error(layout_of(folder, "v.fvecs", {}), ErrorCode::kCorruption, {"v.fvecs"});
        expect_error(layout_of(folder, "v.npy", {}), ErrorCode::kCorruption, {"v.npy"});
    }

    TEST_CASE("a dimension of 0 or beyond the largest is refused in every format") {
        const TempFolder folder;
        for (const std::size_t dimension :
             {std::size_t{0}, kHugeDimension, std::size_t{UINT32_MAX}}) {
            CAPTURE(dimension);
            const auto number = static_cast<std::uint32_t>(dimension);
            const std::string found = "found " + std::to_string(dimension);
            const std::string shape = "(1, " + std::to_string(dimension) + ")";
            const std::size_t rest = dimension <= kHugeDimension ? dimension : 0;
            expect_error(layout_of(folder, "v.u8bin", bin(1, number, rest)),
                         ErrorCode::kInvalidArgument, {"offset 4", "1 to 16384", found});
            expect_error(layout_of(folder, "v.bvecs", FileBytes().add(number).add_zeros(rest)),
                         ErrorCode::kInvalidArgument, {"offset 0", "1 to 16384", found});
            expect_error(layout_of(folder, "v.npy", npy_of_shape(shape, rest)),
                         ErrorCode::kInvalidArgument, {"1 to 16384", found});
        }
        CHECK(expect_value(layout_of(folder, "v.u8bin", bin(1, kMaxDimension, kMaxDimension)))
                  .dimension == kMaxDimension);
    }

    TEST_CASE("row counts that overflow any size are refused before memory is taken") {
        const TempFolder folder;
        expect_error(layout_of(folder, "v.fbin", bin(UINT32_MAX, kMaxDimension, 100)),
                     ErrorCode::kCorruption, {"281474976645128 bytes", "found 108"});
        for (const char* shape : {"(18446744073709551615, 1)", "(18446744073709551614, 1)",
                                  "(9223372036854775808, 2)", "(4611686018427387904, 16384)"}) {
            CAPTURE(shape);
            expect_error(layout_of(folder, "v.npy", npy_of_shape(shape, 100)),
                         ErrorCode::kCorruption, {"more than any file holds"});
        }
        // A product that wraps round to the real size must not pass.
        expect_error(layout_of(folder, "v.npy", npy_of_shape("(9223372036854775809, 2)", 2)),
                     ErrorCode::kCorruption, {"more than any file holds"});
        expect_error(layout_of(folder, "v.npy", npy_of_shape("(18446744073709551616, 1)", 100)),
                     ErrorCode::kInvalidArgument, {"shape"});
    }

    TEST_CASE("rows of a texmex file lie behind their dimension") {
        const TempFolder folder;
        FileBytes floats;
        FileBytes bytes;
        for (int row = 0; row < 7; ++row) {
            floats.add(3U).add_zeros(12);
            bytes.add(3U).add_zeros(3);
        }
        const auto layout = expect_value(layout_of(folder, "v.fvecs", floats));
        CHECK(layout.element_type == ElementType::kFloat32);
        CHECK(layout.row_count == 7);
        CHECK(layout.first_row_offset == 0);
        CHECK(layout.row_prefix_bytes == 4);
        CHECK(layout.stride_bytes() == 16);
        CHECK(expect_value(layout_of(folder, "v.bvecs", bytes)).row_count == 7);
        expect_error(layout_of(folder, "v.fvecs", floats.add_zeros(1)), ErrorCode::kCorruption,
                     {"expected 128 bytes", "found 113"});
        expect_error(layout_of(folder, "v.bvecs", bytes.add(3U).add_zeros(2)),
                     ErrorCode::kCorruption, {"expected 56 bytes", "found 55"});
        for (std::size_t size = 1; size < 4; ++size) {
            expect_error(layout_of(folder, "v.bvecs", FileBytes().add_zeros(size)),
                         ErrorCode::kCorruption, {"v.bvecs"});
        }
    }

    TEST_CASE("versions 1, 2 and 3 of .npy are read, others are not") {
        const TempFolder folder;
        const std::string header = dictionary("'<f2'", "False", "(4, 6)") + "    \n";
        for (const unsigned major : {1U, 2U, 3U}) {
            CAPTURE(major);
            const auto layout = expect_value(layout_of(folder, "v.npy", npy(header, 48, major)));
            CHECK(layout.element_type == ElementType::kFloat16);
            CHECK(layout.row_count == 4);
            CHECK(layout.dimension == 6);
            CHECK(layout.first_row_offset == header.size() + (major == 1 ? 10 : 12));
            CHECK(layout.row_prefix_bytes == 0);
        }
        for (const unsigned major : {0U, 4U, 255U}) {
            CAPTURE(major);
            expect_error(layout_of(folder, "v.npy", npy(header, 48, major)),
                         ErrorCode::kUnsupported,
                         {"v.npy", "1 to 3", "found " + std::to_string(major)});
        }
    }

    TEST_CASE("keys of a .npy header may stand in any order") {
        const TempFolder folder;
        const auto file = npy("{'shape':(2,5),'fortran_order':False,'descr':'|i1'}\n", 10);
        const auto layout = expect_value(layout_of(folder, "v.npy", file));
        CHECK(layout.element_type == ElementType::kInt8);
        CHECK(layout.row_count == 2);
        CHECK(layout.dimension == 5);
    }

    TEST_CASE("a .npy file of other elements is refused with what it holds") {
        const TempFolder folder;
        for (const char* descr :
             {"'<f8'", "'>f4'", "'<i4'", "'|b1'", "'<u2'", "f4", "'<f4", "''"}) {
            CAPTURE(descr);
            expect_error(layout_of(folder, "v.npy", npy(dictionary(descr, "False", "(1, 1)"), 8)),
                         ErrorCode::kInvalidArgument, {"v.npy", "element type", descr});
        }
    }

    TEST_CASE("a .npy file in Fortran order is not supported") {
        const TempFolder folder;
        for (const char* fortran : {"True", "false", "0"}) {
            CAPTURE(fortran);
            expect_error(layout_of(folder, "v.npy", npy(dictionary("'|u1'", fortran, "(1, 1)"), 1)),
                         ErrorCode::kUnsupported, {"v.npy", "fortran_order", fortran});
        }
    }

    TEST_CASE("a .npy file of any shape but two numbers is refused") {
        const TempFolder folder;
        for (const char* shape : {"()", "(8,)", "(2, 2, 2)", "(2, -4)", "(2, x)", "(two, 4)",
                                  "(1, 2, 2, 2)", "(0x2, 4)", "(,)"}) {
            CAPTURE(shape);
            expect_error(layout_of(folder, "v.npy", npy_of_shape(shape, 8)),
                         ErrorCode::kInvalidArgument, {"v.npy", "shape"});
        }
    }

    TEST_CASE("a .npy header without one of its keys is corrupt") {
        const TempFolder folder;
        for (const char* header :
             {"{'fortran_order': False, 'shape': (1, 1), }", "{'descr': '|u1', 'shape': (1, 1), }",
              "{'descr': '|u1', 'fortran_order': False, }", "", "{", "\n"}) {
            CAPTURE(header);
            expect_error(layout_of(folder, "v.npy", npy(header, 1)), ErrorCode::kCorruption,
                         {"v.npy", "header", "found none"});
        }
    }

    TEST_CASE("a truncated .npy file is corrupt wherever it ends") {
        const TempFolder folder;
        for (const unsigned major : {1U, 2U}) {
            const auto whole = npy(dictionary("'|u1'", "False", "(2, 5)") + "\n", 10, major);
            for (std::size_t size = 0; size < whole.bytes().size(); ++size) {
                CAPTURE(size);
                FileBytes part;
                part.add_bytes(std::span(whole.bytes()).first(size));
                expect_error(layout_of(folder, "v.npy", part), ErrorCode::kCorruption, {"v.npy"});
            }
            FileBytes longer = whole;
            expect_error(layout_of(folder, "v.npy", longer.add_zeros(1)), ErrorCode::kCorruption,
                         {"v.npy", "2 rows of 5 uint8"});
        }
    }

    TEST_CASE("a .npy header that claims to be huge is corrupt") {
        const TempFolder folder;
        FileBytes bytes;
        bytes.add_text("\x93NUMPY").add(std::uint16_t{2}).add(UINT32_MAX).add_zeros(100);
        expect_error(layout_of(folder, "v.npy", bytes), ErrorCode::kCorruption,
                     {"4294967295 bytes", "112"});
        FileBytes beyond;
        beyond.add_text("\x93NUMPY").add(std::uint16_t{1}).add(std::uint16_t{103}).add_zeros(102);
        expect_error(layout_of(folder, "v.npy", beyond), ErrorCode::kCorruption,
                     {"header of 103 bytes does not fit the file of 112"});
        expect_error(layout_of(folder, "v.npy", FileBytes().add_text("\x93NUMPX").add_zeros(99)),
                     ErrorCode::kCorruption, {"magic"});
    }

    TEST_CASE("an unknown extension is refused with the list of those known") {
        for (const char* name : {"v", "v.bin", "v.FBIN", "v.fbin.gz", ".fbin", "v.ibin", "v."}) {
            CAPTURE(name);
            expect_error(vector_extension(name), ErrorCode::kInvalidArgument,
                         {name, ".fbin .f16bin .u8bin .i8bin .fvecs .bvecs .npy"});
        }
        const VectorExtension npy_files = expect_value(vector_extension("a/b.c/v.npy"));
        CHECK(npy_files.format == VectorFormat::kNpy);
        CHECK(!npy_files.element_type.has_value());
        const VectorExtension texmex = expect_value(vector_extension("v.bvecs"));
        CHECK(texmex.format == VectorFormat::kTexmex);
        CHECK(texmex.element_type == ElementType::kUint8);
    }

    TEST_CASE("the header of a new .npy file ends at a multiple of 64 bytes, for any shape") {
        for (std::uint64_t rows = 1; rows != 0; rows = rows > UINT64_MAX / 10 ? 0 : rows * 10) {
            CAPTURE(rows);
            const VectorLayout layout{.row_count = rows, .dimension = 10};
            const auto header = vector_header(VectorFormat::kNpy, layout);
            CHECK(header.size() % 64 == 0);
            CHECK(header.back() == std::byte{'\n'});
        }
    }
}

}  // namespace
}  // namespace trackway::io
