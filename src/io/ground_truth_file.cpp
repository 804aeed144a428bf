// Ground truth files and recall: the GroundTruth part of the contract.
#include "trackway/vector_file.h"

#include "base/assert.h"
#include "base/errors.h"
#include "base/resident_memory.h"
#include "io/file.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace trackway {
namespace {

using base::fail;
using base::join;

Status size_error(const io::File& file, std::uint64_t expected) {
    return fail(ErrorCode::kCorruption, join(file.path().string(), ": expected ", expected,
                                             " bytes, found ", file.size_bytes()));
}

// uint32 queries, uint32 k, ids, then (in a truth set with distances) as many floats.
Result<GroundTruth> read_ibin(const io::File& file) {
    std::uint32_t header[2] = {};
    TRACKWAY_TRY(file.read_exact(0, std::as_writable_bytes(std::span(header))));
    GroundTruth truth;
    truth.query_count = header[0];
    truth.k = header[1];
    const std::uint64_t cells = std::uint64_t{header[0]} * header[1];
    if (cells == 0) {
        return fail(ErrorCode::kCorruption,
                    join(file.path().string(), ": offset 0: expected queries and k above 0, found ",
                         header[0], " and ", header[1]));
    }
    // cells < 2^64, so compare in units of 4 bytes rather than multiply.
    const std::uint64_t words = (file.size_bytes() - 8) / 4;
    const bool whole = file.size_bytes() % 4 == 0;
    const bool with_distances = whole && words / 2 == cells && words % 2 == 0;
    if (!with_distances && !(whole && words == cells)) {
        if (cells > UINT64_MAX / 8 - 1) return tl::unexpected(size_error(file, UINT64_MAX).error());
        return tl::unexpected(size_error(file, 8 + cells * 8).error());
    }
    TRACKWAY_TRY(base::check_memory(file.path().string(), cells * 8));
    truth.ids.resize(cells);
    TRACKWAY_TRY(file.read_exact(8, std::as_writable_bytes(std::span(truth.ids))));
    if (!with_distances) return truth;
    truth.distances.resize(cells);
    TRACKWAY_TRY(
        file.read_exact(8 + cells * 4, std::as_writable_bytes(std::span(truth.distances))));
    return truth;
}

// Each query: int32 k, then k int32 ids.
Result<GroundTruth> read_ivecs(const io::File& file) {
    std::uint32_t k = 0;
    TRACKWAY_TRY(file.read_exact(0, std::as_writable_bytes(std::span(&k, 1))));
    const std::uint64_t stride = 4 + std::uint64_t{k} * 4;
    const std::uint64_t queries = file.size_bytes() / stride;
    if (k == 0 || file.size_bytes() % stride != 0 || queries > UINT32_MAX) {
        return fail(ErrorCode::kCorruption,
                    join(file.path().string(), ": expected rows of ", stride, " bytes (k = ", k,
                         "), found ", file.size_bytes(), " bytes"));
    }
    GroundTruth truth;
    truth.query_count = static_cast<std::uint32_t>(queries);
    truth.k = k;
    truth.ids.resize(queries * k);
    std::vector<std::uint32_t> row(1 + std::size_t{k});
    for (std::uint64_t q = 0; q < queries; ++q) {
        TRACKWAY_TRY(file.read_exact(q * stride, std::as_writable_bytes(std::span(row))));
        if (row[0] != k) {
            return fail(ErrorCode::kCorruption, join(file.path().string(), ": offset ", q * stride,
                                                     ": expected k = ", k, ", found ", row[0]));
        }
        std::copy(row.begin() + 1, row.end(),
                  truth.ids.begin() + static_cast<std::ptrdiff_t>(q * k));
    }
    return truth;
}

Status append_ivecs(io::StagedFile& file, const GroundTruth& truth) {
    std::vector<std::uint32_t> rows;
    rows.reserve(truth.ids.size() + truth.query_count);
    for (std::uint32_t q = 0; q < truth.query_count; ++q) {
        rows.push_back(truth.k);
        const auto first = truth.ids.begin() + std::ptrdiff_t{q} * truth.k;
        rows.insert(rows.end(), first, first + truth.k);
    }
    return file.append(std::as_bytes(std::span(rows)));
}

Result<std::string> ground_truth_extension(const std::filesystem::path& path) {
    const std::string extension = path.extension().string();
    if (extension == ".ibin" || extension == ".ivecs") return extension;
    return fail(
        ErrorCode::kInvalidArgument,
        join(path.string(), ": expected an extension of .ibin .ivecs, found '", extension, "'"));
}

}  // namespace

Result<GroundTruth> read_ground_truth(const std::filesystem::path& path) {
    return base::guarded([&]() -> Result<GroundTruth> {
        TRACKWAY_TRY_ASSIGN(extension, ground_truth_extension(path));
        TRACKWAY_TRY_ASSIGN(file, io::File::open_input(path));
        if (extension == ".ivecs") return read_ivecs(file);
        if (file.size_bytes() < 8) return tl::unexpected(size_error(file, 8).error());
        return read_ibin(file);
    });
}

Status write_ground_truth(const std::filesystem::path& path, const GroundTruth& truth) {
    return base::guarded([&]() -> Status {
        const std::size_t cells = std::size_t{truth.query_count} * truth.k;
        TRACKWAY_ASSERT(cells > 0 && truth.ids.size() == cells);
        TRACKWAY_ASSERT(truth.distances.empty() || truth.distances.size() == cells);
        TRACKWAY_TRY_ASSIGN(extension, ground_truth_extension(path));
        TRACKWAY_TRY_ASSIGN(file, io::StagedFile::create(path));
        if (extension == ".ivecs") {
            TRACKWAY_TRY(append_ivecs(file, truth));
        } else {
            const std::uint32_t header[2] = {truth.query_count, truth.k};
            TRACKWAY_TRY(file.append(std::as_bytes(std::span(header))));
            TRACKWAY_TRY(file.append(std::as_bytes(std::span(truth.ids))));
            TRACKWAY_TRY(file.append(std::as_bytes(std::span(truth.distances))));
        }
        return file.publish();
    });
}

double recall_at_k(const GroundTruth& truth, std::span<const Neighbor> found, std::uint32_t k) {
    TRACKWAY_ASSERT(truth.k >= k && k > 0);
    TRACKWAY_ASSERT(!found.empty() && found.size() == std::size_t{truth.query_count} * k);
    std::uint64_t hits = 0;
    for (std::size_t q = 0; q < truth.query_count; ++q) {
        const std::size_t row = q * truth.k;
        std::size_t counted = k;  // the k nearest, and those behind that are as near as the last
        while (!truth.distances.empty() && counted < truth.k &&
               truth.distances[row + counted] == truth.distances[row + k - 1]) {
            ++counted;
        }
        std::vector<std::uint32_t> ids(
            truth.ids.begin() + static_cast<std::ptrdiff_t>(row),
            truth.ids.begin() + static_cast<std::ptrdiff_t>(row + counted));
        std::sort(ids.begin(), ids.end());
        for (const Neighbor& neighbor : found.subspan(q * k, k)) {
            const auto id = static_cast<std::uint64_t>(neighbor.id);
            const auto at = std::lower_bound(ids.begin(), ids.end(), id);
            if (at == ids.end() || *at != id) continue;
            ids.erase(at);  // found twice counts once
            ++hits;
        }
    }
    return static_cast<double>(hits) / static_cast<double>(found.size());
}

}  // namespace trackway
