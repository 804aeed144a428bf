#include "build/separate_shards.h"

#include "trackway/vector_file.h"

#include "base/aligned_buffer.h"
#include "base/assert.h"
#include "base/errors.h"
#include "distance/row_floats.h"
#include "io/file.h"
#include "layouts/file_names.h"
#include "layouts/manifest.h"
#include "layouts/table_file.h"
#include "shard/router.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace trackway::builder {
namespace {

namespace fs = std::filesystem;

using base::join;
using layouts::numbered_shard_name;  // of the stage that builds a shard, and of its folder

constexpr const char* kRouterFile = "router";
constexpr const char* kMembers = "members";
constexpr const char* kQueries = "queries";
constexpr std::size_t kQueriesLeast = 64;
constexpr std::size_t kWriteBytes = std::size_t{4} << 20U;

// Vertices of the shard, its own and its replicas, in the order of their rows.
std::vector<std::uint32_t> members_of(const PartitionedVectors& parts, std::uint32_t shard) {
    const VertexNumbers numbers = parts.numbers();
    std::vector<std::uint32_t> members;
    members.reserve(parts.member_count(shard));
    for (std::uint32_t vertex = numbers.begin(shard); vertex < numbers.end(shard); ++vertex)
        members.push_back(vertex);
    const auto replicas = parts.replicas(shard);
    members.insert(members.end(), replicas.begin(), replicas.end());
    std::sort(members.begin(), members.end(),
              [&](std::uint32_t a, std::uint32_t b) { return numbers.row(a) < numbers.row(b); });
    return members;
}

// Every shard that has the vertex, its own first.
std::vector<std::uint16_t> shards_with(const PartitionedVectors& parts, std::uint32_t vertex) {
    const VertexNumbers numbers = parts.numbers();
    std::vector<std::uint16_t> shards = {static_cast<std::uint16_t>(numbers.shard_of(vertex))};
    for (std::uint32_t shard = 0; shard < numbers.shard_count(); ++shard) {
        const auto replicas = parts.replicas(shard);
        if (std::binary_search(replicas.begin(), replicas.end(), vertex))
            shards.push_back(static_cast<std::uint16_t>(shard));
    }
    return shards;
}

// "members-shard-0003.npy".
std::string rows_file_name(const char* what, std::uint32_t shard) {
    return join(what, "-", numbered_shard_name(shard), ".npy");
}

// A file of some rows of a matrix, in this order.
Status write_rows(const fs::path& path, const MatrixView& all,
                  std::span<const std::uint32_t> chosen) {
    TRACKWAY_TRY_ASSIGN(
        file, VectorFileWriter::create(path, all.element_type, chosen.size(), all.dimension));
    std::vector<std::byte> block;
    block.reserve(kWriteBytes + all.row_bytes());
    for (const std::uint32_t row : chosen) {
        block.insert(block.end(), all.row(row), all.row(row) + all.row_bytes());
        if (block.size() < kWriteBytes) continue;
        TRACKWAY_TRY(file.append(block));
        block.clear();
    }
    TRACKWAY_TRY(file.append(block));
    return file.finish();
}

// Queries of the workload that would search each shard: those that its layout is made for.
Status write_queries(const WorkFolder& work, const SeparateTask& task, const MatrixView& queries,
                     const shard::TrainedRouter& router, StageOutput& output) {
    const std::uint32_t shards = task.parts.numbers().shard_count();
    std::vector<std::vector<std::uint32_t>> chosen(shards);
    shard::RouteScratch scratch;
    std::vector<float> floats(queries.dimension);
    for (std::uint32_t query = 0; query < queries.row_count; ++query) {
        distance::row_floats(queries.row(query), queries.element_type, task.options.metric, floats);
        const auto promises =
            shard::route({queries.dimension, shards, router.values}, floats, scratch);
        const std::size_t probes = shard::probes_for(promises, router.share_sought);
        for (const shard::ShardPromise& promise : promises.first(probes))
            chosen[promise.shard].push_back(query);
    }
    for (std::uint32_t shard = 0; shard < shards; ++shard) {
        if (chosen[shard].size() < kQueriesLeast) continue;  // the shard's vectors stand in
        const std::string name = rows_file_name(kQueries, shard);
        TRACKWAY_TRY(write_rows(work.file(name), queries, chosen[shard]));
        output.files.push_back(name);
    }
    return {};
}

// The files of a shard that is built, as its stage leaves them.
Result<StageOutput> shard_output(const WorkFolder& work, std::uint32_t shard) {
    const std::string name = numbered_shard_name(shard);
    StageOutput output;
    TRACKWAY_TRY_ASSIGN(paths, io::list_folder(work.file(name)));
    for (const fs::path& path : paths) {
        if (layouts::is_index_file_name(path.filename().string()))
            output.files.push_back(name + "/" + path.filename().string());
    }
    return output;
}

Result<StageOutput> train_router(const WorkFolder& work, const SeparateTask& task,
                                 const Workload& workload, const base::Arena& arena) {
    const MatrixView given = task.parts.given();
    const std::uint64_t rows = std::min(task.plan.sample_rows, given.row_count);
    base::AlignedBuffer sample(rows * given.row_bytes());
    std::vector<std::vector<std::uint16_t>> shards_of;
    for (std::uint64_t i = 0; i < rows; ++i) {
        const std::uint64_t vertex = i * given.row_count / rows;
        std::memcpy(sample.data() + i * given.row_bytes(), given.row(vertex), given.row_bytes());
        shards_of.push_back(shards_with(task.parts, static_cast<std::uint32_t>(vertex)));
    }
    const SplitWorkload split(workload, {shard::kJudgedEvery, UINT64_MAX, UINT64_MAX});
    const shard::TrainedRouter router =
        shard::train_router({.sample = {sample.data(), given.element_type, rows, given.dimension},
                             .shards_of = shards_of,
                             .shards = task.parts.numbers().shard_count(),
                             .metric = task.options.metric,
                             .queries = split.queries(),
                             .seed = task.options.seed},
                            arena);
    if (arena.stopped()) return base::cancelled();
    TRACKWAY_TRY(work.write(kRouterFile, std::as_bytes(std::span(router.values))));
    StageOutput output{
        .files = {kRouterFile},
        .values = {router.regions, std::bit_cast<std::uint32_t>(router.share_sought)}};
    if (!workload.is_from_vectors())
        TRACKWAY_TRY(write_queries(work, task, workload.given(), router, output));
    return output;
}

}  // namespace

StageKey SeparateShards::router_key() const {
    return stage_key("router 2", {&task_.partition_key, 1});
}

Status SeparateShards::make_router(const Workload& workload) {
    TRACKWAY_TRY_ASSIGN(output, kept_.made("router", router_key(), [&] {
        return train_router(kept_.work(), task_, workload, runner_.arena());
    }));
    router_ = std::move(output);
    return {};
}

Status SeparateShards::take_router() {
    TRACKWAY_TRY_ASSIGN(is_made, kept_.work().find("router", router_key(), router_));
    if (is_made) return {};
    return fail_before_partition(task_.options.index_dir);
}

Status SeparateShards::build(std::uint32_t shard) {
    const std::string name = numbered_shard_name(shard);
    const GraphOptions& graph = task_.options.graph;
    const LayoutOptions& layout = task_.options.layout;
    const auto& type = task_.options.code_type;
    const std::string recipe = join(
        "shard 2 ", shard, " ", graph.max_degree, " ", graph.build_list_size, " ",
        layouts::decimal_text(graph.alpha), " ", task_.plan.code_bytes, " ",
        type ? name_of(*type) : "auto", " ", task_.plan.page_size_bytes, " ", layout.keep_trace,
        " ", name_of(layout.page_order), " ", task_.plan.memory_budget_bytes);
    const StageKey key = router_key();
    TRACKWAY_TRY_ASSIGN(output, kept_.made(name, stage_key(recipe, {&key, 1}),
                                           [&] { return build_members(shard); }));
    TRACKWAY_TRY(add_report(shard, output));
    built_[shard] = std::move(output);
    return {};
}

// The numbers of the output: pages of the shard, mean degree of its graph.
Result<StageOutput> SeparateShards::build_members(std::uint32_t shard) {
    const std::string name = numbered_shard_name(shard);
    const MatrixView given = task_.parts.given();
    std::vector<std::uint32_t> rows = members_of(task_.parts, shard);
    const fs::path path = kept_.work().file(rows_file_name(kMembers, shard));
    TRACKWAY_TRY(write_rows(path, given, rows));
    for (std::uint32_t& vertex : rows)
        vertex = task_.parts.numbers().row(vertex);
    TRACKWAY_TRY_ASSIGN(vectors, VectorFile::open(path));
    BuildOptions options = task_.options;
    options.vectors = path;
    const std::string queries = rows_file_name(kQueries, shard);
    const bool has_queries =
        std::find(router_.files.begin(), router_.files.end(), queries) != router_.files.end();
    options.workload = has_queries ? kept_.work().file(queries) : fs::path();
    options.index_dir = kept_.work().file(name);
    options.overwrite = true;
    options.shards = {.count = 1};
    options.memory_budget_bytes = task_.plan.memory_budget_bytes;
    options.layout.page_size_bytes = task_.plan.page_size_bytes;
    const BuildProgress progress = [&](std::string_view stage, std::uint64_t done,
                                       std::uint64_t total) {
        runner_.tell(join(name, ": ", stage), done, total);
    };
    Result<BuildReport> report = task_.build(
        options, {vectors, rows, given.row_count, layouts::ShardPlace{task_.partition_key, shard}},
        progress);
    std::error_code ignored;
    fs::remove(path, ignored);
    TRACKWAY_TRY(report);
    TRACKWAY_TRY_ASSIGN(output, shard_output(kept_.work(), shard));
    output.values = {report->shards.front().pages,
                     std::bit_cast<std::uint64_t>(report->shards.front().mean_degree)};
    add_stages(shard, std::move(*report));
    return output;
}

// Of a shard that this run built: its stages, after those of the shards before. Of layouts the last
// is given.
void SeparateShards::add_stages(std::uint32_t shard, BuildReport report) {
    BuildReport& all = runner_.report();
    for (StageReport& stage : report.stages) {
        stage.name = join(numbered_shard_name(shard), ": ", stage.name);
        all.stages.push_back(std::move(stage));
    }
    all.layout = report.layout;
}

// Of any that is built.
Status SeparateShards::add_report(std::uint32_t shard, const StageOutput& output) {
    const fs::path folder = kept_.work().file(numbered_shard_name(shard));
    TRACKWAY_TRY(check_output(output.values.size() == 2, folder));
    TRACKWAY_TRY_ASSIGN(manifest, layouts::read_manifest(folder));
    BuildReport& all = runner_.report();
    all.shards.resize(task_.plan.shards);
    all.shards[shard] = {.vectors = task_.parts.numbers().count(shard),
                         .replicas = task_.parts.replicas(shard).size(),
                         .pages = output.values[0],
                         .mean_degree = std::bit_cast<double>(output.values[1])};
    all.layout.order = manifest.page_order;
    all.layout.page_size_bytes = task_.plan.page_size_bytes;
    all.layout.mean_vertices_per_page =
        static_cast<double>(manifest.vectors) / static_cast<double>(output.values[0]);
    all.code_type = manifest.code_type;
    all.code_bytes = manifest.code_bytes;
    all.dimension = manifest.dimension;
    all.element_type = manifest.element_type;
    all.threads = task_.plan.threads;
    return {};
}

Status SeparateShards::publish(IndexFolder& folder, const layouts::Uuid& uuid) {
    const WorkFolder& work = kept_.work();
    TRACKWAY_TRY(check_output(router_.values.size() == 2, work.file(kRouterFile)));
    const MatrixView given = task_.parts.given();
    layouts::ShardSet set{
        .uuid = uuid,
        .partition = task_.partition_key,
        .vectors = given.row_count,
        .dimension = given.dimension,
        .element_type = given.element_type,
        .metric = task_.options.metric,
        .seed = task_.options.seed,
        .regions = static_cast<std::uint32_t>(router_.values[0]),
        .share_sought = std::bit_cast<float>(static_cast<std::uint32_t>(router_.values[1])),
        .shard_vectors = std::vector<std::uint64_t>(task_.plan.shards)};
    std::uint64_t bytes = 0;
    std::vector<MovedFolder> moved;
    std::error_code ignored;
    for (std::uint32_t shard = 0; shard < set.shard_vectors.size(); ++shard) {
        const fs::path from = work.file(numbered_shard_name(shard));
        set.shard_vectors[shard] = task_.parts.member_count(shard);
        moved.push_back({from, layouts::shard_folder(folder.path(), set, shard)});
        for (const std::string& name : built_[shard].files)
            bytes += fs::file_size(work.file(name), ignored);
    }
    const auto path = folder.path() / layouts::shard_file_name(set.uuid, layouts::kGraphShard,
                                                               layouts::ShardPart::kRouter);
    const layouts::TableShape shape = layouts::router_shape(set);
    const std::uint64_t table_bytes = shape.row_bytes * shape.row_count;
    TRACKWAY_TRY_ASSIGN(values, io::read_file(work.file(kRouterFile), table_bytes));
    TRACKWAY_TRY(check_output(values.size() == table_bytes, work.file(kRouterFile)));
    TRACKWAY_TRY_ASSIGN(table, layouts::write_table(path, set.uuid, shape, values));
    TRACKWAY_TRY(layouts::read_table(table.staged_path(), set.uuid, shape));
    const std::string text = layouts::shard_set_text(set);
    TRACKWAY_TRY_ASSIGN(read_back,
                        layouts::parse_shard_set(text, "manifest.json, not yet written"));
    TRACKWAY_ASSERT(read_back == set);
    bytes += table.size_bytes() + text.size();
    std::vector<io::StagedFile> files;
    files.push_back(std::move(table));
    runner_.report().bytes_written = bytes;
    return folder.publish(text, std::move(files), moved);
}

}  // namespace trackway::builder
