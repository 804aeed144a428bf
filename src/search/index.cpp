// Opens an index and checks what callers pass in: Index of the contract.
#include "trackway/index.h"

#include "base/aligned_buffer.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/errors.h"
#include "base/float16.h"
#include "base/machine.h"
#include "distance/row_floats.h"
#include "layouts/manifest.h"
#include "layouts/trace_file.h"
#include "quant/scalar_codes.h"
#include "search/opened_shards.h"
#include "search/recall_setting.h"
#include "search/residence.h"
#include "search/worker_pool.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

namespace trackway {
namespace {

using base::fail;
using base::join;

Status check_range(const char* name, std::uint64_t value, std::uint64_t least, std::uint64_t most) {
    if (value >= least && value <= most) return {};
    return fail(ErrorCode::kInvalidArgument,
                join(name, ": expected ", least, " to ", most, ", found ", value));
}

bool row_is_finite(const std::byte* row, ElementType type, std::uint32_t dimension) {
    for (std::uint32_t i = 0; i < dimension; ++i) {
        if (type == ElementType::kFloat32) {
            float value = 0;
            std::memcpy(&value, row + std::size_t{i} * 4, 4);
            if (!std::isfinite(value)) return false;
        } else if (type == ElementType::kFloat16) {
            base::Float16 value{};
            std::memcpy(&value, row + std::size_t{i} * 2, 2);
            if (!base::is_finite(value)) return false;
        } else {
            return true;
        }
    }
    return true;
}

}  // namespace

class Index::Impl {
public:
    static Result<Index> open_shards(const std::filesystem::path& index_dir,
                                     const layouts::ShardSet& set, const OpenOptions& options) {
        if (options.cache_vertices.value_or(0) > 0 || options.record_share > 0) {
            return fail(ErrorCode::kUnsupported,
                        join(index_dir.string(),
                             ": hot vertices and recorded queries: expected "
                             "an index of one graph, found separate shards"));
        }
        TRACKWAY_TRY_ASSIGN(shards, search::OpenedShards::open(index_dir, set, options));
        auto impl = std::make_unique<Impl>(std::move(shards), set, options);
        TRACKWAY_TRY(impl->start());
        return Index(std::move(impl));
    }

    Impl(search::OpenedGraph graph, const layouts::Manifest& manifest, const OpenOptions& options)
        : graph_(std::make_unique<search::OpenedGraph>(std::move(graph))),
          shards_(std::make_unique<search::OpenedShards>(*graph_)),
          options_(options),
          uuid_(manifest.uuid),
          rerank_factor_(manifest.rerank_factor),
          code_{.encoding = manifest.encoding,
                .metric = manifest.metric,
                .given = manifest.element_type,
                .offset = manifest.encoding_offset,
                .step = manifest.encoding_step} {
        summary_ = {.vectors = manifest.vectors,
                    .dimension = manifest.dimension,
                    .element_type = manifest.element_type,
                    .encoding = manifest.encoding,
                    .metric = manifest.metric,
                    .shards = static_cast<std::uint32_t>(manifest.shards.size()),
                    .page_size_bytes = graph_->geometry().page_size_bytes,
                    .vertices_per_page = graph_->geometry().vertices_per_page,
                    .bytes_on_disk = graph_->bytes_on_disk,
                    .page_order = manifest.page_order,
                    .expand_share = double{graph_->expand_share},
                    .bytes_of_tables = graph_->table_bytes()};
    }

    Impl(std::unique_ptr<search::OpenedShards> shards, const layouts::ShardSet& set,
         const OpenOptions& options)
        : shards_(std::move(shards)), options_(options), uuid_(set.uuid) {
        const layouts::GraphDescription& first = shards_->first_files().description();
        summary_ = {.vectors = set.vectors,
                    .dimension = set.dimension,
                    .element_type = set.element_type,
                    .metric = set.metric,
                    .shards = shards_->count(),
                    .are_separate = true,
                    .page_size_bytes = first.geometry.page_size_bytes,
                    .vertices_per_page = first.geometry.vertices_per_page,
                    .bytes_on_disk = shards_->bytes_on_disk(),
                    .page_order = first.page_order,
                    .bytes_of_tables = shards_->table_bytes()};
    }

    Status start() {
        const std::uint32_t threads =
            options_.thread_count != 0 ? options_.thread_count : base::usable_cores();
        if (graph_) TRACKWAY_TRY(make_resident());
        TRACKWAY_TRY_ASSIGN(
            pool, search::WorkerPool::start(*shards_, options_, threads, io::open_page_reader));
        pool_ = std::move(pool);
        return {};
    }

    Status make_resident() {
        TRACKWAY_TRY_ASSIGN(plan, search::plan_residence(*graph_, options_));
        TRACKWAY_TRY_ASSIGN(left_out, search::load_residence(*graph_, plan, options_.io));
        summary_.pages_left_out = left_out.pages;
        summary_.left_out_reason = left_out.first;
        graph_->hot_places = {};
        hot_share_ = plan.hot_share;
        summary_.hot_vertices = graph_->hot ? graph_->hot->count() : 0;
        summary_.bytes_of_hot = graph_->hot ? graph_->hot->bytes() : 0;
        summary_.bytes_of_edges = graph_->edges ? graph_->edges->bytes() : 0;
        summary_.pages_with_tables = double{plan.pages_with_tables};
        summary_.pages_with_edges = double{plan.pages_with_edges};
        summary_.pages_with_all = double{plan.pages_with_all};
        return {};
    }

    Status check(const MatrixView& queries, const SearchParams& params) const {
        if (queries.dimension != summary_.dimension) {
            return fail(ErrorCode::kInvalidArgument,
                        join("queries: expected dimension ", summary_.dimension, ", found ",
                             queries.dimension));
        }
        if (queries.element_type != summary_.element_type) {
            return fail(ErrorCode::kInvalidArgument,
                        join("queries: expected ", name_of(summary_.element_type), ", found ",
                             name_of(queries.element_type)));
        }
        if (queries.data == nullptr && queries.row_count > 0) {
            return fail(ErrorCode::kInvalidArgument,
                        join("queries: expected ", queries.row_count, " rows, found none"));
        }
        TRACKWAY_TRY(check_range("k", params.k, 1,
                                 std::min<std::uint64_t>(summary_.vectors, kMaxSearchList)));
        if (!params.target_recall) {
            TRACKWAY_TRY(
                check_range("search list", params.search_list_size, params.k, kMaxSearchList));
        }
        TRACKWAY_TRY(check_range("beam width", params.beam_width, 0, options_.max_beam_width));
        if (params.expand_share && !(*params.expand_share >= 0 && *params.expand_share <= 1)) {
            return fail(ErrorCode::kInvalidArgument,
                        join("expand share: expected 0 to 1, found ", *params.expand_share));
        }
        TRACKWAY_TRY(check_stop_margin(params));
        // Every page read brings at least one new vertex.
        if (params.page_limit != 0) {
            TRACKWAY_TRY(check_range("page limit", params.page_limit, params.k, UINT32_MAX));
        }
        TRACKWAY_TRY(check_rerank(params));
        TRACKWAY_TRY(check_probes(params));
        for (std::uint64_t i = 0; i < queries.row_count; ++i) {
            if (row_is_finite(queries.row(i), queries.element_type, queries.dimension)) continue;
            return fail(ErrorCode::kInvalidArgument,
                        join("query ", i, ": expected finite numbers, found NaN or infinity"));
        }
        const distance::UnfitLength unfit = distance::first_unfit_length(queries, summary_.metric);
        if (unfit.row < queries.row_count) {
            return fail(ErrorCode::kInvalidArgument, join("query ", unfit.row, ": ", unfit.what));
        }
        return {};
    }

    Status check_rerank(const SearchParams& params) const {
        const std::uint32_t rerank = params.rerank.value_or(0);
        if (rerank == 0) return {};
        if (!is_encoded()) {
            return fail(
                ErrorCode::kInvalidArgument,
                join("rerank: expected 0 for an index of vectors as given, found ", rerank));
        }
        return check_range("rerank", rerank, params.k, kMaxSearchList);
    }

    Status check_probes(const SearchParams& params) const {
        const double share = params.share_sought.value_or(1);
        if (!(share >= 0 && share <= 1)) {
            return fail(ErrorCode::kInvalidArgument,
                        join("shard share: expected 0 to 1, found ", share));
        }
        if (!graph_ || (params.shard_probes == 0 && !params.share_sought)) return {};
        return fail(ErrorCode::kUnsupported,
                    "shard probes: expected an index of separate shards, found one graph");
    }

    Status check_stop_margin(const SearchParams& params) const {
        constexpr float kNone = std::numeric_limits<float>::infinity();
        if (!params.stop_margin || *params.stop_margin == kNone) return {};
        if (!std::isfinite(*params.stop_margin)) {
            return fail(ErrorCode::kInvalidArgument,
                        join("stop margin: expected a number, found ", *params.stop_margin));
        }
        if (graph_ ? !graph_->curve.margins.empty() : shards_->is_calibrated()) return {};
        return fail(ErrorCode::kUnsupported, join("stop margin: ", search::kNotCalibrated));
    }

    Result<RecallSetting> setting_for_recall(double target, std::uint32_t k) const {
        if (!(target > 0 && target < 1)) {
            return fail(
                ErrorCode::kInvalidArgument,
                join("target recall: expected a number above 0 and below 1, found ", target));
        }
        if (!graph_) {
            return fail(ErrorCode::kUnsupported,
                        "target recall: expected an index of one graph, found separate shards: "
                        "give a search list");
        }
        return search::recall_setting(*graph_, hot_share_, target, k);
    }

    struct Answers {
        std::span<Neighbor> out;
        std::span<SearchStats> stats;
        std::span<Status> statuses;
    };

    Status search(const MatrixView& queries, const SearchParams& params,
                  const Answers& answers) const {
        // A list longer than the index holds no more than the index.
        const auto list_of = [&](std::uint32_t size) {
            return static_cast<std::uint32_t>(std::min<std::uint64_t>(size, summary_.vectors));
        };
        std::uint32_t list = list_of(params.search_list_size);
        std::uint32_t stop_rank = 0;
        float margin = params.stop_margin.value_or(std::numeric_limits<float>::infinity());
        if (params.target_recall) {
            TRACKWAY_TRY_ASSIGN(setting, setting_for_recall(*params.target_recall, params.k));
            list = list_of(setting.search_list_size);
            margin = setting.stop_margin;
            // Of fewer than 10 a larger share would be missed with the same margin.
            stop_rank = std::min(list, search::kCalibratedNeighbors * std::max(rerank_factor_, 1U));
        }
        search::Batch batch{
            .queries = queries,
            .options = {.params = {.k = params.k,
                                   .search_list_size = list,
                                   .beam_width = params.beam_width,
                                   .page_limit = params.page_limit,
                                   .stop_margin = margin,
                                   .stop_rank = stop_rank},
                        .expand_share = params.expand_share,
                        .shard_probes = params.shard_probes,
                        .allow_partial = options_.allow_partial},
            .farthest = farthest_distance(summary_.metric),
            .out = answers.out.data(),
            .stats = answers.stats.empty() ? nullptr : answers.stats.data(),
            .statuses = answers.statuses.empty() ? nullptr : answers.statuses.data(),
            .status = {}};
        if (params.share_sought)
            batch.options.share_sought = static_cast<float>(*params.share_sought);
        return is_encoded() ? search_codes(batch, params) : pool_->run(batch);
    }

    Status save_trace(const std::filesystem::path& path) const {
        const std::vector<std::uint32_t> visits = pool_->recorded();
        if (visits.empty()) {
            return fail(ErrorCode::kInvalidArgument,
                        join(path.string(), ": no query was recorded, so there is no trace"));
        }
        return layouts::write_trace(path, uuid_, visits);
    }

    const IndexSummary& summary() const noexcept { return summary_; }
    const search::WorkerPool& pool() const noexcept { return *pool_; }
    std::vector<std::string> shard_errors() const {
        return options_.allow_partial ? shards_->failures() : std::vector<std::string>();
    }

private:
    bool is_encoded() const noexcept { return code_.encoding != VectorEncoding::kAsGiven; }

    // The batch's queries are as they were given.
    Status search_codes(search::Batch& batch, const SearchParams& params) const {
        const MatrixView given = batch.queries;
        batch.given = given;
        batch.queries.element_type = code_.stored();
        base::AlignedBuffer codes(given.row_count * batch.queries.row_bytes());
        batch.queries.data = codes.data();
        std::vector<float> scales(given.row_count);
        std::vector<float> values(given.dimension);
        for (std::uint64_t i = 0; i < given.row_count; ++i) {
            scales[i] = quant::encode_query(given.row(i), code_, values,
                                            codes.data() + i * batch.queries.row_bytes());
        }
        batch.rerank = std::min(params.rerank.value_or(rerank_factor_ * params.k),
                                batch.options.params.search_list_size);
        TRACKWAY_TRY(pool_->run(batch));
        if (batch.rerank > 0) return {};
        for (std::uint64_t i = 0; i < given.row_count * params.k; ++i) {
            if (batch.out[i].id != kNoVector) batch.out[i].distance *= scales[i / params.k];
        }
        return {};
    }

    std::unique_ptr<search::OpenedGraph> graph_ = nullptr;  // none where shards are separate
    std::unique_ptr<search::OpenedShards> shards_;
    OpenOptions options_;
    IndexSummary summary_;
    layouts::Uuid uuid_;
    float hot_share_ = 0;  // ResidencePlan
    std::uint32_t rerank_factor_ = 0;
    quant::ScalarCode code_ = {};
    std::unique_ptr<search::WorkerPool> pool_;  // last: its threads use the graph
};

namespace {

Status check_open(const void* impl) {
    if (impl != nullptr) return {};
    return fail(ErrorCode::kInvalidArgument,
                "index: expected one that is open, found one that was moved from");
}

Status check_room(const MatrixView& queries, std::uint32_t k, std::size_t out, std::size_t stats) {
    if (out != queries.row_count * k) {
        return fail(ErrorCode::kInvalidArgument, join("out: expected ", queries.row_count * k,
                                                      " neighbours, found room for ", out));
    }
    if (stats != 0 && stats != queries.row_count) {
        return fail(ErrorCode::kInvalidArgument, join("stats: expected none or ", queries.row_count,
                                                      ", found room for ", stats));
    }
    return {};
}

}  // namespace

Index::Index(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Index::Index(Index&&) noexcept = default;
Index& Index::operator=(Index&&) noexcept = default;
Index::~Index() = default;

Result<Index> Index::open(const std::filesystem::path& index_dir, const OpenOptions& options) {
    return base::guarded([&]() -> Result<Index> {
        TRACKWAY_TRY(distance::chosen_kernels());
        TRACKWAY_TRY(base::check_thread_count(options.thread_count));
        TRACKWAY_TRY(
            check_range("queries in flight", options.queries_in_flight_per_thread, 1, 4096));
        TRACKWAY_TRY(check_range("beam width", options.max_beam_width, 1, 256));
        if (!(options.record_share >= 0 && options.record_share <= 1)) {
            return fail(ErrorCode::kInvalidArgument,
                        join("record share: expected 0 to 1, found ", options.record_share));
        }
        TRACKWAY_TRY(check_range(
            "reads in flight",
            std::uint64_t{options.queries_in_flight_per_thread} * options.max_beam_width, 1,
            16384));
        TRACKWAY_TRY_ASSIGN(set, layouts::read_shard_set(index_dir));
        if (set) return Impl::open_shards(index_dir, *set, options);
        TRACKWAY_TRY_ASSIGN(manifest, layouts::read_manifest(index_dir));
        TRACKWAY_TRY_ASSIGN(graph, search::OpenedGraph::open(index_dir, manifest));
        auto impl = std::make_unique<Impl>(std::move(graph), manifest, options);
        TRACKWAY_TRY(impl->start());
        return Index(std::move(impl));
    });
}

Status Index::search(MatrixView queries, const SearchParams& params, std::span<Neighbor> out,
                     std::span<SearchStats> stats, std::span<Status> statuses) const {
    return base::guarded([&]() -> Status {
        TRACKWAY_TRY(check_open(impl_.get()));
        TRACKWAY_TRY(impl_->check(queries, params));
        TRACKWAY_TRY(check_room(queries, params.k, out.size(), stats.size()));
        if (!statuses.empty() && statuses.size() != queries.row_count) {
            return fail(ErrorCode::kInvalidArgument,
                        join("statuses: expected none or ", queries.row_count, ", found room for ",
                             statuses.size()));
        }
        std::fill(statuses.begin(), statuses.end(), Status());
        return impl_->search(queries, params, {out, stats, statuses});
    });
}

Result<RecallSetting> Index::setting_for_recall(double target, std::uint32_t k) const {
    return base::guarded([&]() -> Result<RecallSetting> {
        TRACKWAY_TRY(check_open(impl_.get()));
        return impl_->setting_for_recall(target, k);
    });
}

Status Index::save_trace(const std::filesystem::path& path) const {
    return base::guarded([&]() -> Status {
        TRACKWAY_TRY(check_open(impl_.get()));
        return impl_->save_trace(path);
    });
}

// Of an index that was moved from these are those of nothing.
std::vector<std::string> Index::shard_errors() const {
    return impl_ ? impl_->shard_errors() : std::vector<std::string>();
}

const IndexSummary& Index::summary() const noexcept {
    static const IndexSummary kNothing;
    return impl_ ? impl_->summary() : kNothing;
}
const std::string& Index::io_description() const noexcept {
    static const std::string kNothing;
    return impl_ ? impl_->pool().io_description() : kNothing;
}
const char* Index::io_engine() const noexcept {
    return impl_ ? impl_->pool().io_engine() : "";
}
std::uint32_t Index::thread_count() const noexcept {
    return impl_ ? impl_->pool().thread_count() : 0;
}

}  // namespace trackway
