// Ground truth by comparing every query with every vector: exact_search of the contract.
#include "trackway/exact_search.h"

#include "base/aligned_buffer.h"
#include "base/arena.h"
#include "base/errors.h"
#include "base/resident_memory.h"
#include "distance/distance.h"
#include "distance/row_floats.h"
#include "graph/exact_scan.h"
#include "graph/frontier.h"

#include <algorithm>
#include <vector>

namespace trackway {
namespace {

using base::fail;
using base::join;

constexpr std::size_t kReadBytes = std::size_t{32} << 20U;

// where: what messages call the queries.
Status check(const VectorFile& vectors, const MatrixView& queries, const std::string& where,
             const ExactSearchOptions& options) {
    if (queries.dimension != vectors.dimension()) {
        return fail(ErrorCode::kInvalidArgument,
                    join(where, ": expected dimension ", vectors.dimension(), " as in ",
                         vectors.path().string(), ", found ", queries.dimension));
    }
    if (queries.element_type != vectors.element_type()) {
        return fail(ErrorCode::kInvalidArgument,
                    join(where, ": expected ", name_of(vectors.element_type()), " as in ",
                         vectors.path().string(), ", found ", name_of(queries.element_type)));
    }
    if (options.k < 1 || options.k > vectors.row_count()) {
        return fail(ErrorCode::kInvalidArgument,
                    join("k: expected 1 to ", vectors.row_count(), ", found ", options.k));
    }
    if (vectors.row_count() > UINT32_MAX || queries.row_count > UINT32_MAX) {
        return fail(ErrorCode::kUnsupported, "ground truth files hold at most 2^32 rows");
    }
    return {};
}

// rows begin at row `first` of what messages call `where`.
Status check_lengths(const std::string& where, const MatrixView& rows, std::uint64_t first,
                     Metric metric) {
    const distance::UnfitLength unfit = distance::first_unfit_length(rows, metric);
    if (unfit.row == rows.row_count) return {};
    return fail(ErrorCode::kInvalidArgument,
                join(where, ": row ", first + unfit.row, ": ", unfit.what));
}

GroundTruth collect(const std::vector<graph::Frontier>& nearest,
                    const ExactSearchOptions& options) {
    GroundTruth truth;
    truth.query_count = static_cast<std::uint32_t>(nearest.size());
    truth.k = options.k;
    const float sign = options.metric == Metric::kInnerProduct ? -1.0F : 1.0F;
    for (const graph::Frontier& list : nearest) {
        for (const graph::Candidate& candidate : list.list()) {
            truth.ids.push_back(candidate.vertex);
            truth.distances.push_back(sign * candidate.distance);
        }
    }
    return truth;
}

Result<GroundTruth> scanned(const VectorFile& vectors, const MatrixView& queries,
                            const ExactSearchOptions& options, const std::stop_token& stop) {
    const std::size_t row_bytes = vectors.row_bytes();
    graph::ExactScan scan(queries, options.metric, options.k);
    const base::Arena arena(options.thread_count, stop);
    const std::uint64_t step = std::max<std::uint64_t>(1, kReadBytes / row_bytes);
    base::AlignedBuffer block(std::min(step, vectors.row_count()) * row_bytes);
    for (std::uint64_t first = 0; first < vectors.row_count(); first += step) {
        const std::uint64_t count = std::min(step, vectors.row_count() - first);
        TRACKWAY_TRY(vectors.read(first, block.span().first(count * row_bytes)));
        const MatrixView rows{block.data(), vectors.element_type(), count, vectors.dimension()};
        TRACKWAY_TRY(check_lengths(vectors.path().string(), rows, first, options.metric));
        scan.add(rows, static_cast<std::uint32_t>(first), arena);
        if (arena.stopped()) return fail(ErrorCode::kCancelled, "the search was stopped");
    }
    return collect(scan.nearest(), options);
}

}  // namespace

Result<GroundTruth> exact_search(const VectorFile& vectors, const VectorFile& queries,
                                 const ExactSearchOptions& options, const std::stop_token& stop) {
    return base::guarded([&]() -> Result<GroundTruth> {
        const std::string where = queries.path().string();
        MatrixView view{nullptr, queries.element_type(), queries.row_count(), queries.dimension()};
        TRACKWAY_TRY(distance::chosen_kernels());
        TRACKWAY_TRY(base::check_threads_start(options.thread_count));
        TRACKWAY_TRY(check(vectors, view, where, options));
        TRACKWAY_TRY(base::check_memory(
            where, view.row_count * (view.row_bytes() + 12 * std::uint64_t{options.k})));
        base::AlignedBuffer query_rows(view.row_count * view.row_bytes());
        TRACKWAY_TRY(queries.read(0, query_rows.span()));
        view.data = query_rows.data();
        TRACKWAY_TRY(check_lengths(where, view, 0, options.metric));
        return scanned(vectors, view, options, stop);
    });
}

Result<GroundTruth> exact_search(const VectorFile& vectors, const MatrixView& queries,
                                 const ExactSearchOptions& options, const std::stop_token& stop) {
    return base::guarded([&]() -> Result<GroundTruth> {
        TRACKWAY_TRY(distance::chosen_kernels());
        TRACKWAY_TRY(base::check_threads_start(options.thread_count));
        TRACKWAY_TRY(check(vectors, queries, "queries", options));
        TRACKWAY_TRY(check_lengths("queries", queries, 0, options.metric));
        TRACKWAY_TRY(
            base::check_memory("queries", queries.row_count * 12 * std::uint64_t{options.k}));
        return scanned(vectors, queries, options, stop);
    });
}

}  // namespace trackway
