#include "build/workload.h"

#include "trackway/vector_file.h"

#include "base/errors.h"
#include "distance/row_floats.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace trackway::builder {

using base::fail;
using base::join;

Result<Workload> Workload::read(const std::filesystem::path& path, const MatrixView& vectors,
                                Metric metric) {
    TRACKWAY_TRY_ASSIGN(file, VectorFile::open(path));
    if (file.dimension() != vectors.dimension || file.element_type() != vectors.element_type) {
        return fail(ErrorCode::kInvalidArgument,
                    join(path.string(), ": workload: expected ", name_of(vectors.element_type),
                         " of dimension ", vectors.dimension, " like the vectors, found ",
                         name_of(file.element_type()), " of dimension ", file.dimension()));
    }
    Workload workload;
    const std::uint64_t count = std::min(file.row_count(), kQueriesMax);
    const std::size_t row_bytes = file.row_bytes();
    workload.bytes_ = base::AlignedBuffer(count * row_bytes);
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t row = i * file.row_count() / count;
        TRACKWAY_TRY(file.read(row, workload.bytes_.span().subspan(i * row_bytes, row_bytes)));
    }
    workload.given_ = {workload.bytes_.data(), file.element_type(), count, file.dimension()};
    workload.queries_ = workload.given_;
    const distance::UnfitLength unfit = distance::first_unfit_length(workload.given_, metric);
    if (unfit.row < count) {
        return fail(
            ErrorCode::kInvalidArgument,
            join(path.string(), ": row ", unfit.row * file.row_count() / count, ": ", unfit.what));
    }
    return workload;
}

Workload Workload::from_vectors(const MatrixView& vectors) {
    Workload workload;
    workload.from_vectors_ = true;
    const std::uint64_t count = std::min(vectors.row_count, kSampleMax);
    const std::size_t row_bytes = vectors.row_bytes();
    workload.bytes_ = base::AlignedBuffer(count * row_bytes);
    for (std::uint64_t i = 0; i < count; ++i) {
        std::memcpy(workload.bytes_.data() + i * row_bytes,
                    vectors.row(i * vectors.row_count / count), row_bytes);
    }
    workload.given_ = {workload.bytes_.data(), vectors.element_type, count, vectors.dimension};
    workload.queries_ = workload.given_;
    return workload;
}

void Workload::encode(const quant::ScalarCode& code) {
    queries_.element_type = code.stored();
    encoded_ = base::AlignedBuffer(queries_.row_count * queries_.row_bytes());
    queries_.data = encoded_.data();
    std::vector<float> values(given_.dimension);
    for (std::uint64_t i = 0; i < queries_.row_count; ++i) {
        quant::encode_query(given_.row(i), code, values,
                            encoded_.data() + i * queries_.row_bytes());
    }
}

namespace {

base::AlignedBuffer some_of(const MatrixView& all, std::span<const std::uint64_t> chosen,
                            std::uint64_t most) {
    const std::uint64_t count = std::min<std::uint64_t>(chosen.size(), most);
    base::AlignedBuffer rows(count * all.row_bytes());
    for (std::uint64_t i = 0; i < count; ++i) {
        std::memcpy(rows.data() + i * all.row_bytes(), all.row(chosen[i * chosen.size() / count]),
                    all.row_bytes());
    }
    return rows;
}

}  // namespace

SplitWorkload::SplitWorkload(const Workload& workload, const Shares& shares)
    : shape_(workload.given()) {
    std::vector<std::uint64_t> training;
    std::vector<std::uint64_t> judging;
    for (std::uint64_t query = 0; query < shape_.row_count; ++query) {
        const bool judges = query % shares.judged_every == shares.judged_every - 1;
        (judges ? judging : training).push_back(query);
    }
    training_ = some_of(shape_, training, shares.training_max);
    judging_ = some_of(shape_, judging, shares.judging_max);
}

}  // namespace trackway::builder
