// What each format of vector file looks like: where rows begin and how far apart they are.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "io/file.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace trackway::io {

enum class VectorFormat : std::uint8_t {
    kBin,     // uint32 rows, uint32 dimension, rows: .fbin .f16bin .u8bin .i8bin
    kTexmex,  // each row after its own int32 dimension: .fvecs .bvecs
    kNpy,     // NumPy's .npy, version 1 to 3
};

struct VectorExtension {
    VectorFormat format;
    std::optional<ElementType> element_type;  // none: the file says (.npy)
};

// kInvalidArgument, with the list of what is known, for any other extension.
Result<VectorExtension> vector_extension(const std::filesystem::path& path);

struct VectorLayout {
    ElementType element_type = ElementType::kFloat32;
    std::uint64_t row_count = 0;
    std::uint32_t dimension = 0;
    std::uint64_t first_row_offset = 0;  // of the first row's prefix, if rows have one
    std::uint32_t row_prefix_bytes = 0;  // 4 for texmex files

    std::size_t row_bytes() const noexcept { return dimension * element_size_bytes(element_type); }
    std::size_t stride_bytes() const noexcept { return row_prefix_bytes + row_bytes(); }
};

// Reads the header and checks it against the file's size, without overflow and before anything is
// allocated from it. At least one row; dimension 1 .. kMaxDimension.
Result<VectorLayout> read_vector_layout(const File& file);

// The bytes before the first row of a new file.
std::vector<std::byte> vector_header(VectorFormat format, const VectorLayout& layout);

}  // namespace trackway::io
