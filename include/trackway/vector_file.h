// Files of vectors and of ground truth, in every format of the README: recognised by extension,
// checked against the file's size before any work, streamed in blocks.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

namespace trackway {

// Reads .fbin .f16bin .u8bin .i8bin, .fvecs .bvecs, .npy.
class VectorFile {
public:
    static Result<VectorFile> open(const std::filesystem::path& path);
    VectorFile(const VectorFile&) = delete;
    VectorFile& operator=(const VectorFile&) = delete;
    VectorFile(VectorFile&&) noexcept;
    VectorFile& operator=(VectorFile&&) noexcept;
    ~VectorFile();

    std::uint64_t row_count() const noexcept;
    std::uint32_t dimension() const noexcept;
    ElementType element_type() const noexcept;
    std::size_t row_bytes() const noexcept;
    const std::filesystem::path& path() const noexcept;

    // Rows [first, first + out.size() / row_bytes()), without gaps. NaN and infinity are errors
    // that name the row.
    // REQUIRES: out.size() a multiple of row_bytes(), the rows inside the file.
    Status read(std::uint64_t first, std::span<std::byte> out) const;

private:
    struct Impl;
    explicit VectorFile(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Writes any of the formats that VectorFile reads, under a temporary name until finish().
class VectorFileWriter {
public:
    // The extension of path must suit element_type; at least one row, dimension 1 .. kMaxDimension.
    static Result<VectorFileWriter> create(const std::filesystem::path& path, ElementType type,
                                           std::uint64_t row_count, std::uint32_t dimension);
    VectorFileWriter(const VectorFileWriter&) = delete;
    VectorFileWriter& operator=(const VectorFileWriter&) = delete;
    VectorFileWriter(VectorFileWriter&&) noexcept;
    VectorFileWriter& operator=(VectorFileWriter&&) noexcept;
    ~VectorFileWriter();  // an unfinished file is removed

    // REQUIRES: rows.size() a multiple of the row's bytes.
    Status append(std::span<const std::byte> rows);
    // Gives the file its name. REQUIRES: row_count rows were appended.
    Status finish();

private:
    struct Impl;
    explicit VectorFileWriter(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// The k nearest rows of each query. distances is empty where the file has none (.ivecs).
struct GroundTruth {
    std::uint32_t query_count = 0;
    std::uint32_t k = 0;
    std::vector<std::uint32_t> ids;  // query_count x k
    std::vector<float> distances;    // query_count x k
};

Result<GroundTruth> read_ground_truth(const std::filesystem::path& path);
// REQUIRES: query_count x k ids, at least one; as many distances, or none.
Status write_ground_truth(const std::filesystem::path& path, const GroundTruth& truth);

// Mean share of the k true nearest that found (row-major, k a query) holds. A found row that is as
// near as the k-th true one counts, where truth has distances and lists that row: give it more
// than k neighbours.
// A row that was found twice counts once.
// REQUIRES: at least one query, truth.k >= k, found.size() == truth.query_count * k.
double recall_at_k(const GroundTruth& truth, std::span<const Neighbor> found, std::uint32_t k);

}  // namespace trackway
