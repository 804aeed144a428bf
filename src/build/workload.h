// The queries that decide a layout: half of them train it, half judge it.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "base/aligned_buffer.h"
#include "base/checksum.h"
#include "quant/scalar_codes.h"
#include "shard/partition.h"

#include <cstdint>
#include <filesystem>

namespace trackway::builder {

class Workload {
public:
    // Queries spread evenly over the file; at most kQueriesMax. kInvalidArgument when dimension or
    // element type are not those of the vectors.
    static Result<Workload> read(const std::filesystem::path& path, const MatrixView& vectors,
                                 Metric metric);
    // Without a file, a sample of the vectors stands in.
    static Workload from_vectors(const MatrixView& vectors);

    // From here on queries() are codes. Elements that the code does not hold are clamped.
    void encode(const quant::ScalarCode& code);

    const MatrixView& queries() const noexcept { return queries_; }
    const MatrixView& given() const noexcept { return given_; }
    bool is_from_vectors() const noexcept { return from_vectors_; }
    // Odd queries judge what even ones trained.
    static bool judges(std::uint64_t query) noexcept { return query % 2 == 1; }
    void add_to(base::Checksum& checksum) const { checksum.update(bytes_.span()); }

    // Bytes that such queries take at most, for planning.
    static std::uint64_t bytes_max(std::uint64_t row_bytes) noexcept {
        return kQueriesMax * row_bytes;
    }

private:
    static constexpr std::uint64_t kQueriesMax = 24'576;
    static constexpr std::uint64_t kSampleMax = 8'192;

    base::AlignedBuffer bytes_;
    MatrixView given_;
    base::AlignedBuffer encoded_;
    MatrixView queries_;  // of one of the two
    bool from_vectors_ = false;
};

// Queries that train and queries that judge, each as rows that follow one another, spread evenly.
class SplitWorkload {
public:
    // Every judged_every-th query judges; at most so many of each kind are taken.
    struct Shares {
        std::uint64_t judged_every = 2;
        std::uint64_t training_max = 0;
        std::uint64_t judging_max = 0;
    };
    SplitWorkload(const Workload& workload, const Shares& shares);
    // Views.
    shard::PartitionQueries queries() const noexcept { return {view(training_), view(judging_)}; }

private:
    MatrixView view(const base::AlignedBuffer& rows) const noexcept {
        return {rows.data(), shape_.element_type, rows.size() / shape_.row_bytes(),
                shape_.dimension};
    }
    MatrixView shape_;
    base::AlignedBuffer training_;
    base::AlignedBuffer judging_;
};

}  // namespace trackway::builder
