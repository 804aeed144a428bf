// Reading vectors in blocks: VectorFile of the contract.
#include "trackway/vector_file.h"

#include "base/assert.h"
#include "base/errors.h"
#include "base/float16.h"
#include "io/file.h"
#include "io/vector_format.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace trackway {
namespace {

using base::fail;
using base::join;

constexpr std::size_t kStagingBytes = std::size_t{1} << 20U;

bool all_finite(std::span<const std::byte> row, ElementType type) noexcept {
    if (type == ElementType::kFloat32) {
        for (std::size_t i = 0; i < row.size(); i += 4) {
            std::uint32_t bits = 0;
            std::memcpy(&bits, row.data() + i, 4);
            if ((bits & 0x7f800000U) == 0x7f800000U) return false;
        }
    } else if (type == ElementType::kFloat16) {
        for (std::size_t i = 0; i < row.size(); i += 2) {
            base::Float16 half{};
            std::memcpy(&half, row.data() + i, 2);
            if (!base::is_finite(half)) return false;
        }
    }
    return true;
}

}  // namespace

struct VectorFile::Impl {
    io::File file;
    io::VectorLayout layout;

    Status read_plain(std::uint64_t first, std::span<std::byte> out) const {
        return file.read_exact(layout.first_row_offset + first * layout.row_bytes(), out);
    }

    // Rows with a prefix are read in pieces and moved together.
    Status read_prefixed(std::uint64_t first, std::span<std::byte> out) const {
        const std::size_t stride = layout.stride_bytes();
        const std::size_t row_bytes = layout.row_bytes();
        const std::size_t piece_rows = std::max<std::size_t>(1, kStagingBytes / stride);
        const std::size_t rows = out.size() / row_bytes;
        std::vector<std::byte> staging(std::min(rows, piece_rows) * stride);
        for (std::size_t done = 0; done < rows; done += piece_rows) {
            const std::size_t count = std::min(piece_rows, rows - done);
            const std::uint64_t offset = layout.first_row_offset + (first + done) * stride;
            TRACKWAY_TRY(file.read_exact(offset, std::span(staging).first(count * stride)));
            for (std::size_t i = 0; i < count; ++i) {
                std::uint32_t dimension = 0;
                std::memcpy(&dimension, staging.data() + i * stride, 4);
                if (dimension != layout.dimension) {
                    return fail(ErrorCode::kCorruption,
                                join(file.path().string(), ": row ", first + done + i, ": offset ",
                                     offset + i * stride, ": expected dimension ", layout.dimension,
                                     ", found ", dimension));
                }
                std::memcpy(out.data() + (done + i) * row_bytes, staging.data() + i * stride + 4,
                            row_bytes);
            }
        }
        return {};
    }

    Status check_finite(std::uint64_t first, std::span<const std::byte> rows) const {
        const std::size_t row_bytes = layout.row_bytes();
        if (all_finite(rows, layout.element_type)) return {};
        std::uint64_t row = 0;
        while (all_finite(rows.subspan(row * row_bytes, row_bytes), layout.element_type))
            ++row;
        return fail(ErrorCode::kInvalidArgument,
                    join(file.path().string(), ": row ", first + row,
                         ": expected finite numbers, found NaN or infinity"));
    }
};

VectorFile::VectorFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VectorFile::VectorFile(VectorFile&&) noexcept = default;
VectorFile& VectorFile::operator=(VectorFile&&) noexcept = default;
VectorFile::~VectorFile() = default;

Result<VectorFile> VectorFile::open(const std::filesystem::path& path) {
    return base::guarded([&]() -> Result<VectorFile> {
        TRACKWAY_TRY(io::vector_extension(path));
        TRACKWAY_TRY_ASSIGN(file, io::File::open_input(path));
        TRACKWAY_TRY_ASSIGN(layout, io::read_vector_layout(file));
        return VectorFile(std::make_unique<Impl>(Impl{std::move(file), layout}));
    });
}

std::uint64_t VectorFile::row_count() const noexcept {
    return impl_->layout.row_count;
}
std::uint32_t VectorFile::dimension() const noexcept {
    return impl_->layout.dimension;
}
ElementType VectorFile::element_type() const noexcept {
    return impl_->layout.element_type;
}
std::size_t VectorFile::row_bytes() const noexcept {
    return impl_->layout.row_bytes();
}
const std::filesystem::path& VectorFile::path() const noexcept {
    return impl_->file.path();
}

Status VectorFile::read(std::uint64_t first, std::span<std::byte> out) const {
    return base::guarded([&]() -> Status {
        TRACKWAY_ASSERT(out.size() % row_bytes() == 0);
        TRACKWAY_ASSERT(first <= row_count() && out.size() / row_bytes() <= row_count() - first);
        const bool prefixed = impl_->layout.row_prefix_bytes > 0;
        TRACKWAY_TRY(prefixed ? impl_->read_prefixed(first, out) : impl_->read_plain(first, out));
        return impl_->check_finite(first, out);
    });
}

struct VectorFileWriter::Impl {
    io::StagedFile file;
    io::VectorLayout layout;
    std::uint64_t appended = 0;
};

VectorFileWriter::VectorFileWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VectorFileWriter::VectorFileWriter(VectorFileWriter&&) noexcept = default;
VectorFileWriter& VectorFileWriter::operator=(VectorFileWriter&&) noexcept = default;
VectorFileWriter::~VectorFileWriter() = default;

Result<VectorFileWriter> VectorFileWriter::create(const std::filesystem::path& path,
                                                  ElementType type, std::uint64_t row_count,
                                                  std::uint32_t dimension) {
    return base::guarded([&]() -> Result<VectorFileWriter> {
        TRACKWAY_TRY_ASSIGN(extension, io::vector_extension(path));
        if (extension.element_type.value_or(type) != type) {
            return fail(ErrorCode::kInvalidArgument,
                        join(path.string(), ": holds ", name_of(*extension.element_type),
                             " by its extension, the vectors are ", name_of(type)));
        }
        if (extension.format == io::VectorFormat::kBin && row_count > UINT32_MAX) {
            return fail(ErrorCode::kInvalidArgument,
                        join(path.string(), ": holds at most ", UINT32_MAX, " rows, asked for ",
                             row_count));
        }
        if (row_count == 0 || dimension == 0 || dimension > kMaxDimension) {
            return fail(ErrorCode::kInvalidArgument,
                        join(path.string(), ": expected rows, of dimension 1 to ", kMaxDimension,
                             ", found ", row_count, " x ", dimension));
        }
        io::VectorLayout layout{
            .element_type = type, .row_count = row_count, .dimension = dimension};
        if (extension.format == io::VectorFormat::kTexmex) layout.row_prefix_bytes = 4;
        TRACKWAY_TRY_ASSIGN(file, io::StagedFile::create(path));
        TRACKWAY_TRY(file.append(io::vector_header(extension.format, layout)));
        return VectorFileWriter(std::make_unique<Impl>(Impl{std::move(file), layout}));
    });
}

Status VectorFileWriter::append(std::span<const std::byte> rows) {
    return base::guarded([&]() -> Status {
        const io::VectorLayout& layout = impl_->layout;
        const std::size_t row_bytes = layout.row_bytes();
        TRACKWAY_ASSERT(rows.size() % row_bytes == 0);
        const std::size_t count = rows.size() / row_bytes;
        impl_->appended += count;
        if (layout.row_prefix_bytes == 0) return impl_->file.append(rows);
        std::vector<std::byte> prefixed(count * layout.stride_bytes());
        for (std::size_t i = 0; i < count; ++i) {
            std::byte* out = prefixed.data() + i * layout.stride_bytes();
            std::memcpy(out, &layout.dimension, 4);
            std::memcpy(out + 4, rows.data() + i * row_bytes, row_bytes);
        }
        return impl_->file.append(prefixed);
    });
}

Status VectorFileWriter::finish() {
    return base::guarded([&]() -> Status {
        TRACKWAY_ASSERT(impl_->appended == impl_->layout.row_count);
        return impl_->file.publish();
    });
}

}  // namespace trackway
