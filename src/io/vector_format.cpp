#include "io/vector_format.h"

#include "base/assert.h"
#include "base/errors.h"

#include <array>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace trackway::io {
namespace {

using base::fail;
using base::join;

constexpr std::string_view kNpyMagic = "\x93NUMPY";
constexpr std::uint32_t kNpyHeaderLimit = 1U << 16U;

template <class T>
Result<T> read_value(const File& file, std::uint64_t offset) {
    std::array<std::byte, sizeof(T)> bytes{};
    TRACKWAY_TRY(file.read_exact(offset, bytes));
    T value{};
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

Status check_dimension(const File& file, std::uint64_t offset, std::uint64_t dimension) {
    if (dimension >= 1 && dimension <= kMaxDimension) return {};
    return fail(ErrorCode::kInvalidArgument,
                join(file.path().string(), ": offset ", offset, ": expected a dimension of 1 to ",
                     kMaxDimension, ", found ", dimension));
}

Status check_size(const File& file, const VectorLayout& layout) {
    std::uint64_t expected = 0;
    if (__builtin_mul_overflow(layout.row_count, std::uint64_t{layout.stride_bytes()}, &expected) ||
        __builtin_add_overflow(expected, layout.first_row_offset, &expected)) {
        return fail(ErrorCode::kCorruption,
                    join(file.path().string(), ": header announces ", layout.row_count,
                         " rows, more than any file holds; found ", file.size_bytes(), " bytes"));
    }
    if (layout.row_count == 0) {
        return fail(ErrorCode::kInvalidArgument,
                    join(file.path().string(), ": expected at least one row, found none"));
    }
    if (expected == file.size_bytes()) return {};
    return fail(ErrorCode::kCorruption,
                join(file.path().string(), ": expected ", expected, " bytes for ", layout.row_count,
                     " rows of ", layout.dimension, " ", name_of(layout.element_type), ", found ",
                     file.size_bytes()));
}

Result<VectorLayout> read_bin(const File& file, ElementType type) {
    TRACKWAY_TRY_ASSIGN(rows, read_value<std::uint32_t>(file, 0));
    TRACKWAY_TRY_ASSIGN(dimension, read_value<std::uint32_t>(file, 4));
    TRACKWAY_TRY(check_dimension(file, 4, dimension));
    return VectorLayout{
        .element_type = type, .row_count = rows, .dimension = dimension, .first_row_offset = 8};
}

Result<VectorLayout> read_texmex(const File& file, ElementType type) {
    TRACKWAY_TRY_ASSIGN(dimension, read_value<std::uint32_t>(file, 0));
    TRACKWAY_TRY(check_dimension(file, 0, dimension));
    VectorLayout layout{.element_type = type, .dimension = dimension, .row_prefix_bytes = 4};
    // A rest that is not a whole row shows as a size that does not fit.
    const std::uint64_t stride = layout.stride_bytes();
    layout.row_count = (file.size_bytes() + stride - 1) / stride;
    return layout;
}

// The text after `key` in the header's Python dictionary, up to one of `ends`.
Result<std::string_view> npy_field(const File& file, std::string_view header, std::string_view key,
                                   std::string_view ends) {
    const auto at = header.find(key);
    if (at == std::string_view::npos) {
        return fail(ErrorCode::kCorruption,
                    join(file.path().string(), ": .npy header: expected ", key, ", found none"));
    }
    std::string_view rest = header.substr(at + key.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(": "), rest.size()));
    const auto end = rest.find_first_of(ends);
    if (end == std::string_view::npos) {
        return fail(ErrorCode::kCorruption, join(file.path().string(), ": .npy header: field ", key,
                                                 ": expected an end, found none"));
    }
    rest = rest.substr(0, end);
    return rest.substr(0, rest.find_last_not_of(' ') + 1);
}

Result<ElementType> npy_element_type(const File& file, std::string_view descr) {
    constexpr std::array<std::pair<std::string_view, ElementType>, 4> kTypes = {
        {{"'<f4'", ElementType::kFloat32},
         {"'<f2'", ElementType::kFloat16},
         {"'|u1'", ElementType::kUint8},
         {"'|i1'", ElementType::kInt8}}};
    for (const auto& [text, type] : kTypes) {
        if (descr == text) return type;
    }
    return fail(ErrorCode::kInvalidArgument,
                join(file.path().string(),
                     ": .npy element type: expected one of '<f4' '<f2' '|u1' "
                     "'|i1', found ",
                     descr));
}

// "(rows, dimension)" without the opening parenthesis.
Result<std::pair<std::uint64_t, std::uint64_t>> npy_shape(const File& file,
                                                          std::string_view shape) {
    std::array<std::uint64_t, 2> sizes{};
    std::string_view rest = shape;
    const auto skip_blanks = [&] {
        rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    };
    const auto take_number = [&](std::uint64_t& size) {
        skip_blanks();
        const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), size);
        rest.remove_prefix(static_cast<std::size_t>(parsed.ptr - rest.data()));
        skip_blanks();
        return parsed.ec == std::errc();
    };
    const auto take_comma = [&] {
        const bool there = rest.starts_with(',');
        rest.remove_prefix(there ? 1 : 0);
        return there;
    };
    bool valid = take_number(sizes[0]) && take_comma() && take_number(sizes[1]);
    if (valid && take_comma()) skip_blanks();  // one comma may trail
    valid = valid && rest.empty();
    if (valid) return std::pair(sizes[0], sizes[1]);
    return fail(ErrorCode::kInvalidArgument,
                join(file.path().string(), ": .npy shape: expected (rows, dimension), found (",
                     shape, ")"));
}

Result<VectorLayout> read_npy(const File& file) {
    std::array<char, 8> start{};
    TRACKWAY_TRY(file.read_exact(0, std::as_writable_bytes(std::span(start))));
    if (std::string_view(start.data(), kNpyMagic.size()) != kNpyMagic) {
        return fail(ErrorCode::kCorruption,
                    join(file.path().string(), ": offset 0: expected the magic \\x93NUMPY"));
    }
    const auto major = static_cast<unsigned char>(start[6]);
    if (major < 1 || major > 3) {
        return fail(ErrorCode::kUnsupported,
                    join(file.path().string(), ": .npy version: expected 1 to 3, found ",
                         static_cast<unsigned>(major)));
    }
    std::uint32_t length = 0;
    if (major == 1) {
        TRACKWAY_TRY_ASSIGN(short_length, read_value<std::uint16_t>(file, 8));
        length = short_length;
    } else {
        TRACKWAY_TRY_ASSIGN(long_length, read_value<std::uint32_t>(file, 8));
        length = long_length;
    }
    const std::uint64_t header_offset = major == 1 ? 10 : 12;
    if (length > kNpyHeaderLimit || header_offset + length > file.size_bytes()) {
        return fail(ErrorCode::kCorruption,
                    join(file.path().string(), ": offset 8: .npy header of ", length,
                         " bytes does not fit the file of ", file.size_bytes()));
    }
    std::string header(length, '\0');
    TRACKWAY_TRY(file.read_exact(header_offset, std::as_writable_bytes(std::span(header))));
    TRACKWAY_TRY_ASSIGN(descr, npy_field(file, header, "'descr'", ",}"));
    TRACKWAY_TRY_ASSIGN(fortran, npy_field(file, header, "'fortran_order'", ",}"));
    TRACKWAY_TRY_ASSIGN(shape_text, npy_field(file, header, "'shape'", ")"));
    if (fortran != "False") {
        return fail(ErrorCode::kUnsupported,
                    join(file.path().string(),
                         ": .npy order: expected C order (fortran_order False), found ", fortran));
    }
    TRACKWAY_TRY_ASSIGN(type, npy_element_type(file, descr));
    shape_text.remove_prefix(shape_text.starts_with('(') ? 1 : 0);
    TRACKWAY_TRY_ASSIGN(shape, npy_shape(file, shape_text));
    TRACKWAY_TRY(check_dimension(file, header_offset, shape.second));
    return VectorLayout{.element_type = type,
                        .row_count = shape.first,
                        .dimension = static_cast<std::uint32_t>(shape.second),
                        .first_row_offset = header_offset + length};
}

std::vector<std::byte> npy_header(const VectorLayout& layout) {
    const char* descr = "'<f4'";
    if (layout.element_type == ElementType::kFloat16) descr = "'<f2'";
    if (layout.element_type == ElementType::kUint8) descr = "'|u1'";
    if (layout.element_type == ElementType::kInt8) descr = "'|i1'";
    std::string text = join("{'descr': ", descr, ", 'fortran_order': False, 'shape': (",
                            layout.row_count, ", ", layout.dimension, "), }");
    constexpr std::size_t kStart = 10;
    text.append(64 - (kStart + text.size() + 1) % 64, ' ');
    text += '\n';
    std::string bytes(kNpyMagic);
    bytes += '\x01';
    bytes += '\0';
    bytes += static_cast<char>(text.size() & 0xffU);
    bytes += static_cast<char>(text.size() >> 8U);
    bytes += text;
    const auto view = std::as_bytes(std::span(bytes));
    return {view.begin(), view.end()};
}

}  // namespace

Result<VectorExtension> vector_extension(const std::filesystem::path& path) {
    static constexpr std::array<std::pair<std::string_view, VectorExtension>, 7> kKnown = {
        {{".fbin", {VectorFormat::kBin, ElementType::kFloat32}},
         {".f16bin", {VectorFormat::kBin, ElementType::kFloat16}},
         {".u8bin", {VectorFormat::kBin, ElementType::kUint8}},
         {".i8bin", {VectorFormat::kBin, ElementType::kInt8}},
         {".fvecs", {VectorFormat::kTexmex, ElementType::kFloat32}},
         {".bvecs", {VectorFormat::kTexmex, ElementType::kUint8}},
         {".npy", {VectorFormat::kNpy, std::nullopt}}}};
    const std::string extension = path.extension().string();
    std::string names;
    for (const auto& [name, known] : kKnown) {
        if (extension == name) return known;
        names += join(" ", name);
    }
    return fail(ErrorCode::kInvalidArgument, join(path.string(), ": expected an extension of",
                                                  names, ", found '", extension, "'"));
}

Result<VectorLayout> read_vector_layout(const File& file) {
    TRACKWAY_TRY_ASSIGN(extension, vector_extension(file.path()));
    auto layout = [&]() -> Result<VectorLayout> {
        switch (extension.format) {
            case VectorFormat::kBin:
                return read_bin(file, *extension.element_type);
            case VectorFormat::kTexmex:
                return read_texmex(file, *extension.element_type);
            case VectorFormat::kNpy:
                break;
        }
        return read_npy(file);
    }();
    if (layout) TRACKWAY_TRY(check_size(file, *layout));
    return layout;
}

std::vector<std::byte> vector_header(VectorFormat format, const VectorLayout& layout) {
    if (format == VectorFormat::kNpy) return npy_header(layout);
    if (format == VectorFormat::kTexmex) return {};
    std::vector<std::byte> bytes(8);
    const auto rows = static_cast<std::uint32_t>(layout.row_count);
    TRACKWAY_ASSERT(rows == layout.row_count);
    std::memcpy(bytes.data(), &rows, 4);
    std::memcpy(bytes.data() + 4, &layout.dimension, 4);
    return bytes;
}

}  // namespace trackway::io
