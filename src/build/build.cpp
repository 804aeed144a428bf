// The stage list of a build, top to bottom.
#include "trackway/builder.h"
#include "trackway/vector_file.h"

#include "base/aligned_buffer.h"
#include "base/arena.h"
#include "base/checksum.h"
#include "base/errors.h"
#include "base/resident_memory.h"
#include "base/stopwatch.h"
#include "build/codes_stage.h"
#include "build/index_folder.h"
#include "build/plan.h"
#include "build/write_stage.h"
#include "distance/row_floats.h"
#include "graph/vamana.h"
#include "layouts/page_order.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

namespace trackway {
namespace {

using base::fail;
using base::join;
using builder::IndexFolder;
using builder::StagedShard;

constexpr std::size_t kReadBytes = std::size_t{8} << 20U;

// The graph as page orders see it.
class GraphLists final : public layouts::NeighborLists {
public:
    explicit GraphLists(const graph::Adjacency& adjacency) : adjacency_(adjacency) {}
    std::uint32_t vertex_count() const noexcept override { return adjacency_.vertex_count(); }
    std::span<const std::uint32_t> neighbors(std::uint32_t vertex) const noexcept override {
        return adjacency_.neighbors(vertex);
    }

private:
    const graph::Adjacency& adjacency_;
};

class Build {
public:
    Build(const BuildOptions& options, const BuildProgress& progress, const std::stop_token& stop,
          const VectorFile& vectors)
        : options_(options),
          progress_(progress),
          vectors_(vectors),
          arena_(options.thread_count, stop) {}

    Result<BuildReport> run() {
        TRACKWAY_TRY_ASSIGN(plan, builder::make_plan(options_, vectors_, arena_.thread_count()));
        TRACKWAY_TRY_ASSIGN(folder, IndexFolder::open(options_.index_dir, options_.overwrite));
        plan_ = plan;
        TRACKWAY_TRY(stage("read", [&] { return read(); }));
        TRACKWAY_TRY(stage("graph", [&] { return build_graph(); }));
        TRACKWAY_TRY(stage("order", [&] { return order_pages(); }));
        TRACKWAY_TRY(stage("codes", [&] { return make_codes(); }));
        std::optional<StagedShard> staged;
        TRACKWAY_TRY(stage("write", [&] { return write(folder.path(), staged); }));
        TRACKWAY_TRY(stage("verify", [&] {
            return builder::verify_staged(*staged, uuid_, description_, *quantizer_);
        }));
        TRACKWAY_TRY(timed("publish", [&] { return publish(folder, std::move(*staged)); }));
        finish_report();
        return std::move(report_);
    }

private:
    // A stop that comes while the body runs may have left its work undone.
    template <class Body>
    Status stage(const char* name, const Body& body) {
        return timed(name, [&]() -> Status {
            TRACKWAY_TRY(body());
            if (arena_.stopped()) return fail(ErrorCode::kCancelled, "the build was stopped");
            return {};
        });
    }

    template <class Body>
    Status timed(const char* name, const Body& body) {
        const base::Stopwatch watch;
        tell(name, 0, 1);
        TRACKWAY_TRY(body());
        tell(name, 1, 1);
        report_.stages.push_back(
            {name, watch.seconds(), watch.cpu_seconds(), base::peak_resident_bytes()});
        return {};
    }

    void tell(const char* name, std::uint64_t done, std::uint64_t total) const {
        if (progress_) progress_(name, done, total);
    }

    // The shortest decimal that gives the same float back.
    std::string alpha_text() const {
        std::array<char, 32> text{};
        const auto end =
            std::to_chars(text.data(), text.data() + text.size(), options_.graph.alpha).ptr;
        return {text.data(), end};
    }

    // The index's identity is a hash of everything that decides its bytes.
    Status read() {
        base::Checksum identity;
        const std::string recipe = join(
            kVersion, " ", kFormatMajor, ".", kFormatMinor, " ", name_of(vectors_.element_type()),
            " ", vectors_.row_count(), " x ", vectors_.dimension(), " ", name_of(options_.metric),
            " ", options_.graph.max_degree, " ", options_.graph.build_list_size, " ", alpha_text(),
            " ", plan_.code_bytes, " ", options_.layout.page_size_bytes, " ",
            name_of(options_.layout.page_order), " ", options_.seed);
        identity.update(std::as_bytes(std::span(recipe)));
        const std::size_t row_bytes = vectors_.row_bytes();
        const std::uint64_t rows = vectors_.row_count();
        const std::uint64_t step = std::max<std::uint64_t>(1, kReadBytes / row_bytes);
        data_ = base::AlignedBuffer(rows * row_bytes);
        for (std::uint64_t first = 0; first < rows && !arena_.stopped(); first += step) {
            const auto block =
                data_.span().subspan(first * row_bytes, std::min(step, rows - first) * row_bytes);
            TRACKWAY_TRY(vectors_.read(first, block));
            identity.update(block);
            tell("read", std::min(first + step, rows), rows);
        }
        uuid_ = identity.digest128();
        matrix_ = {data_.data(), vectors_.element_type(), rows, vectors_.dimension()};
        const std::uint64_t too_long = distance::first_row_too_long(matrix_);
        if (too_long == rows) return {};
        return fail(ErrorCode::kInvalidArgument,
                    join(vectors_.path().string(), ": row ", too_long,
                         ": expected a squared length of at most 1e37, found more"));
    }

    Status build_graph() {
        const graph::PointSet points(matrix_, options_.metric, arena_);
        graph_ = graph::build_vamana(
            points,
            {.max_degree = options_.graph.max_degree,
             .build_list_size = options_.graph.build_list_size,
             .alpha = options_.graph.alpha,
             .seed = options_.seed},
            arena_, [&](std::uint32_t done) { tell("graph", done, matrix_.row_count); });
        return {};
    }

    Status order_pages() {
        order_ = layouts::make_page_order(options_.layout.page_order, GraphLists(graph_.adjacency),
                                          graph_.entry_point);
        std::vector<std::uint32_t> degrees(graph_.adjacency.vertex_count());
        for (std::uint32_t v = 0; v < degrees.size(); ++v)
            degrees[v] = static_cast<std::uint32_t>(graph_.adjacency.neighbors(v).size());
        packing_ =
            layouts::pack_pages({plan_.record_shape, order_, degrees}, plan_.page_size_bytes);
        packing_.geometry.seed = layouts::page_seed(uuid_, 0);
        description_ = {.geometry = packing_.geometry,
                        .shard_id = 0,
                        .vertex_count = graph_.adjacency.vertex_count(),
                        .dimension = matrix_.dimension,
                        .entry_point = packing_.place[graph_.entry_point],
                        .element_type = matrix_.element_type,
                        .metric = options_.metric,
                        .page_order = options_.layout.page_order};
        return {};
    }

    Status make_codes() {
        quantizer_ = builder::train_quantizer(
            matrix_,
            {.metric = options_.metric, .code_bytes = plan_.code_bytes, .seed = options_.seed},
            arena_);
        tell("codes", 1, 2);
        codes_ = builder::encode_places(matrix_, options_.metric, *quantizer_, packing_, arena_);
        return {};
    }

    Status write(const std::filesystem::path& folder, std::optional<StagedShard>& staged) {
        const builder::ShardContent content{matrix_,  graph_.adjacency, order_,
                                            packing_, *quantizer_,      codes_};
        TRACKWAY_TRY_ASSIGN(shard,
                            builder::write_shard(folder, uuid_, description_, content, arena_));
        staged.emplace(std::move(shard));
        return {};
    }

    Status publish(IndexFolder& folder, StagedShard staged) {
        const layouts::Manifest manifest{
            .uuid = uuid_,
            .vectors = matrix_.row_count,
            .dimension = matrix_.dimension,
            .element_type = matrix_.element_type,
            .metric = options_.metric,
            .code_bytes = plan_.code_bytes,
            .max_degree = options_.graph.max_degree,
            .build_list_size = options_.graph.build_list_size,
            .alpha = alpha_text(),
            .seed = options_.seed,
            .page_order = options_.layout.page_order,
            .shards = {{.vectors = matrix_.row_count,
                        .pages_bytes = staged.pages.size_bytes(),
                        .codes_bytes = staged.codes.size_bytes(),
                        .codebook_bytes = staged.codebook.size_bytes()}}};
        report_.bytes_written = staged.pages.size_bytes() + staged.codes.size_bytes() +
                                staged.codebook.size_bytes() +
                                layouts::manifest_text(manifest).size();
        std::vector<io::StagedFile> files;
        files.push_back(std::move(staged.pages));
        files.push_back(std::move(staged.codes));
        files.push_back(std::move(staged.codebook));
        return folder.publish(manifest, std::move(files));
    }

    void finish_report() {
        const layouts::PageGeometry& geometry = packing_.geometry;
        const auto rows = static_cast<double>(matrix_.row_count);
        report_.shards = {{.vectors = matrix_.row_count,
                           .replicas = 0,
                           .pages = geometry.page_count,
                           .mean_degree = graph_.adjacency.mean_degree()}};
        report_.layout = {.order = options_.layout.page_order,
                          .page_size_bytes = geometry.page_size_bytes,
                          .vertices_per_page = geometry.vertices_per_page,
                          .mean_vertices_per_page = rows / geometry.page_count,
                          .neighbor_id_bits = geometry.neighbor_bits};
        report_.vectors = matrix_.row_count;
        report_.dimension = matrix_.dimension;
        report_.element_type = matrix_.element_type;
        report_.threads = plan_.threads;
        report_.peak_resident_bytes = base::peak_resident_bytes();
        double cpu_seconds = 0;
        for (const StageReport& stage : report_.stages)
            cpu_seconds += stage.cpu_seconds;
        report_.vectors_per_second_per_core = cpu_seconds > 0 ? rows / cpu_seconds : 0;
    }

    const BuildOptions& options_;
    const BuildProgress& progress_;
    const VectorFile& vectors_;
    base::Arena arena_;
    builder::Plan plan_;
    BuildReport report_;

    // What the stages make, in order.
    base::AlignedBuffer data_;
    MatrixView matrix_;
    layouts::Uuid uuid_{};
    graph::VamanaGraph graph_;
    std::vector<std::uint32_t> order_;
    layouts::PagePacking packing_;
    layouts::ShardDescription description_;
    std::optional<quant::ProductQuantizer> quantizer_;
    std::vector<std::uint8_t> codes_;
};

}  // namespace

Result<BuildReport> build(const BuildOptions& options, const BuildProgress& progress,
                          const std::stop_token& stop) {
    TRACKWAY_TRY(distance::chosen_kernels());
    TRACKWAY_TRY_ASSIGN(vectors, VectorFile::open(options.vectors));
    return Build(options, progress, stop, vectors).run();
}

}  // namespace trackway
