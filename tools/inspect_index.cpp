// inspect-index: what an index is, and with --verify whether every byte of it is sound.
#include "trackway/builder.h"

#include "layouts/file_names.h"
#include "layouts/graph_files.h"
#include "layouts/graph_tables.h"
#include "layouts/manifest.h"
#include "layouts/shard_set.h"
#include "layouts/verify_index.h"
#include "program.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace trackway::tools {
namespace {

using layouts::ShardPart;
using Json = nlohmann::ordered_json;

// Of a manifest or a set of separate shards.
template <class Described>
void print_identity(const Described& index) {
    std::printf("uuid          %s\n", layouts::uuid_text(index.uuid).c_str());
    std::printf("vectors       %llu x %u %s, metric %s\n",
                static_cast<unsigned long long>(index.vectors), index.dimension,
                name_of(index.element_type), name_of(index.metric));
}

template <class Described>
Json identity_json(const Described& index) {
    return {{"uuid", layouts::uuid_text(index.uuid)},
            {"format_minor", index.format_minor},
            {"vectors", index.vectors},
            {"dimension", index.dimension},
            {"element_type", name_of(index.element_type)},
            {"metric", name_of(index.metric)}};
}

void print_shard(const layouts::ShardFile& shard) {
    const layouts::ShardExtent& extent = shard.extent;
    std::printf("shard %04u    %u vertices on %u pages (%.2f each), %llu bytes\n", extent.shard_id,
                extent.vertex_count, extent.page_count,
                static_cast<double>(extent.vertex_count) / extent.page_count,
                static_cast<unsigned long long>(shard.file.size_bytes()));
}

// Recalls that targets are chosen from, and what they cost.
Json calibration_json(const layouts::RecallCurve& curve) {
    Json settings = Json::array();
    for (const layouts::CalibratedMargin& margin : curve.margins) {
        settings.push_back(
            {{"search_list", curve.list_size},
             {"stop_margin", margin.margin == layouts::kMarginMost ? Json() : Json(margin.margin)},
             {"recall", margin.recall},
             {"recall_with_hot_vertices", margin.recall_with_hot},
             {"pages_per_query", margin.pages_per_query}});
    }
    for (const layouts::CalibratedList& list : curve.lists) {
        settings.push_back({{"search_list", list.search_list},
                            {"stop_margin", nullptr},
                            {"recall", list.recall},
                            {"pages_per_query", list.pages_per_query}});
    }
    return settings;
}

void print_manifest(const layouts::Manifest& manifest) {
    print_identity(manifest);
    std::printf("built with    max degree %u, build list %u, alpha %s, seed %llu\n",
                manifest.max_degree, manifest.build_list_size, manifest.alpha.c_str(),
                static_cast<unsigned long long>(manifest.seed));
    std::printf("codes         %s, %u bytes per vector\n", name_of(manifest.code_type),
                manifest.code_bytes);
    std::printf("page order    %s; %u permille of a page expanded at once\n",
                name_of(manifest.page_order), manifest.expand_share_permille);
    if (manifest.is_encoded()) {
        std::printf("searched as   %s, offset %s, step %s; exact vectors in a side file\n",
                    name_of(manifest.encoding),
                    layouts::decimal_text(manifest.encoding_offset).c_str(),
                    layouts::decimal_text(manifest.encoding_step).c_str());
    }
}

void print_graph(const layouts::Manifest& manifest, const layouts::GraphFiles& graph) {
    const layouts::PageGeometry& geometry = graph.geometry();
    const layouts::ManifestTables& tables = manifest.tables;
    std::printf("graph         pages of %u bytes, %u numbers reserved on each, entry point %u\n",
                geometry.page_size_bytes, geometry.vertices_per_page,
                static_cast<std::uint32_t>(graph.description().entry_point));
    std::printf("              %llu bytes of codes, %llu of codebook\n",
                static_cast<unsigned long long>(tables.codes_bytes),
                static_cast<unsigned long long>(tables.codebook_bytes));
    std::printf("              %llu vertices of navigation, %llu hot, %llu rows of co-visits\n",
                static_cast<unsigned long long>(tables.navigation_vertices),
                static_cast<unsigned long long>(tables.hot_vertices),
                static_cast<unsigned long long>(tables.covisit_edges));
    for (const layouts::ShardFile& shard : graph.shards())
        print_shard(shard);
}

Json graph_json(const layouts::Manifest& manifest, const layouts::GraphFiles& graph) {
    const layouts::ManifestTables& tables = manifest.tables;
    Json shards = Json::array();
    for (const layouts::ShardFile& shard : graph.shards()) {
        shards.push_back({{"shard", shard.extent.shard_id},
                          {"vertices", shard.extent.vertex_count},
                          {"pages", shard.extent.page_count},
                          {"bytes", shard.file.size_bytes()}});
    }
    Json report = identity_json(manifest);
    report.update({{"max_degree", manifest.max_degree},
                   {"build_list", manifest.build_list_size},
                   {"alpha", manifest.alpha_value()},
                   {"seed", manifest.seed},
                   {"code_type", name_of(manifest.code_type)},
                   {"code_bytes", manifest.code_bytes},
                   {"page_order", name_of(manifest.page_order)},
                   {"expand_share", manifest.expand_share_permille / 1000.0},
                   {"vector_encoding", name_of(manifest.encoding)},
                   {"encoding_offset", manifest.encoding_offset},
                   {"encoding_step", manifest.encoding_step},
                   {"page_size_bytes", graph.geometry().page_size_bytes},
                   {"vertices_per_page", graph.geometry().vertices_per_page},
                   {"entry_point", static_cast<std::uint32_t>(graph.description().entry_point)},
                   {"tables",
                    {{"codes_bytes", tables.codes_bytes},
                     {"codebook_bytes", tables.codebook_bytes},
                     {"navigation_vertices", tables.navigation_vertices},
                     {"hot_vertices", tables.hot_vertices},
                     {"covisit_rows", tables.covisit_edges}}},
                   {"shards", std::move(shards)},
                   {"calibration", calibration_json(manifest.curve)},
                   {"calibration_with_edges", calibration_json(manifest.curve_with_edges)}});
    return report;
}

void print_shard_set(const layouts::ShardSet& set) {
    print_identity(set);
    std::printf("shards        %zu separate ones; router of %u regions, share sought %s\n",
                set.shard_vectors.size(), set.regions,
                layouts::decimal_text(set.share_sought).c_str());
}

Json shard_set_json(const layouts::ShardSet& set) {
    Json report = identity_json(set);
    report.update(
        {{"seed", set.seed}, {"regions", set.regions}, {"share_sought", set.share_sought}});
    return report;
}

std::filesystem::path path_of(const std::string& folder, const layouts::Manifest& manifest,
                              ShardPart part) {
    return std::filesystem::path(folder) /
           layouts::shard_file_name(manifest.uuid, layouts::kGraphShard, part);
}

Result<Json> verify(const std::string& folder, const layouts::Manifest& manifest,
                    const layouts::GraphFiles& graph, bool print) {
    const auto contents = layouts::verify_files(folder, manifest, graph);
    if (!contents) return tl::unexpected(contents.error());
    if (print) {
        std::printf(
            "verified      %zu shards: %llu vertices, %llu edges, %llu empty places, all tables\n",
            graph.shards().size(), static_cast<unsigned long long>(contents->vertices),
            static_cast<unsigned long long>(contents->edges),
            static_cast<unsigned long long>(contents->empty_places));
    }
    return Json{{"vertices", contents->vertices},
                {"edges", contents->edges},
                {"empty_places", contents->empty_places}};
}

// The strongest vertices of the kept trace, each with what queries visit beside it. The table gives
// each vertex a row of its own, then its edges, heaviest first.
Status print_covisits(const std::string& folder, const layouts::Manifest& manifest,
                      const layouts::GraphDescription& graph, std::uint32_t count) {
    if (manifest.tables.covisit_edges == 0) {
        return tl::unexpected(Error{ErrorCode::kInvalidArgument,
                                    folder + ": the trace was not kept; build or reorder with "
                                             "--keep-trace"});
    }
    const auto table =
        layouts::read_table(path_of(folder, manifest, ShardPart::kCovisits), manifest.uuid,
                            layouts::table_shape(ShardPart::kCovisits, manifest, graph));
    if (!table) return tl::unexpected(table.error());
    std::vector<layouts::CovisitRow> rows(table->size() / sizeof(layouts::CovisitRow));
    std::memcpy(rows.data(), table->data(), table->size());
    std::vector<std::size_t> own;  // rows that give a vertex's strength
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i].place == rows[i].other) own.push_back(i);
    }
    std::stable_sort(own.begin(), own.end(),
                     [&](std::size_t a, std::size_t b) { return rows[a].weight > rows[b].weight; });
    own.resize(std::min<std::size_t>(own.size(), count));
    for (const std::size_t i : own) {
        std::printf("place %-9u %.0f visits; with", rows[i].place, double{rows[i].weight});
        for (std::size_t j = i + 1; j < rows.size() && rows[j].place == rows[i].place; ++j)
            std::printf(" %u:%.2f", rows[j].other, double{rows[j].weight});
        std::printf("\n");
    }
    return {};
}

struct InspectOptions {
    std::string folder;
    std::string copy;
    bool verify_all = false;
    bool print = true;  // text; false: only the report
    std::uint32_t covisits = 0;
};

Result<Json> inspect_graph(const InspectOptions& options) {
    const std::string& folder = options.folder;
    const auto manifest = layouts::read_manifest(folder);
    if (!manifest) return tl::unexpected(manifest.error());
    if (options.print) print_manifest(*manifest);  // also of one whose files are damaged
    const auto graph = layouts::GraphFiles::open(folder, *manifest);
    if (!graph) return tl::unexpected(graph.error());
    if (options.print) print_graph(*manifest, *graph);
    if (options.covisits > 0) {
        Status status = print_covisits(folder, *manifest, graph->description(), options.covisits);
        if (!status) return tl::unexpected(status.error());
    }
    Json report = graph_json(*manifest, *graph);
    if (!options.verify_all) return report;
    auto verified = verify(folder, *manifest, *graph, options.print);
    if (!verified) return tl::unexpected(verified.error());
    report["verified"] = std::move(*verified);
    return report;
}

// Of separate shards: the set and its router, then each shard like any index.
Result<Json> inspect(const InspectOptions& options) {
    const auto set = layouts::read_shard_set(options.folder);
    if (!set) return tl::unexpected(set.error());
    if (!*set) return inspect_graph(options);
    if (options.print) print_shard_set(**set);
    const auto router = layouts::read_router(options.folder, **set);
    if (!router) return tl::unexpected(router.error());
    Json report = shard_set_json(**set);
    for (std::uint32_t shard = 0; shard < (*set)->shard_vectors.size(); ++shard) {
        InspectOptions of_shard = options;
        of_shard.folder = layouts::shard_folder(options.folder, **set, shard).string();
        if (options.print) std::printf("\nseparate shard %u: %s\n", shard, of_shard.folder.c_str());
        const auto manifest = layouts::read_manifest(of_shard.folder);
        if (!manifest) return tl::unexpected(manifest.error());
        Status status = layouts::check_shard(**set, shard, *manifest, of_shard.folder);
        if (!status) return tl::unexpected(status.error());
        auto inspected = inspect_graph(of_shard);
        if (!inspected) return tl::unexpected(inspected.error());
        report["separate_shards"].push_back(std::move(*inspected));
    }
    return report;
}

// Repairs first, where a copy is given.
Status run(InspectOptions& options, Program& program) {
    options.print = program.flags().json != "-";
    if (!options.print && options.covisits > 0) {
        return tl::unexpected(Error{ErrorCode::kInvalidArgument,
                                    "covisits: expected no --json - beside it, they are text"});
    }
    if (options.copy.empty()) {
        program.set_may_leave(true);
    } else {
        const auto report = repair(options.folder, options.copy);
        if (!report) return tl::unexpected(report.error());
        if (options.print) {
            std::printf("repaired      %llu pages, %llu tables and manifests\n",
                        static_cast<unsigned long long>(report->pages),
                        static_cast<unsigned long long>(report->tables));
        }
    }
    const auto report = inspect(options);
    if (!report) return tl::unexpected(report.error());
    program.set_may_leave(false);
    return program.write_report(report->dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace

static int run_program(int argc, char** argv) {
    Program program("inspect-index", "Prints what a Trackway index is, and verifies it.",
                    "inspect-index --index index --verify");
    InspectOptions options;
    program.app()
        .add_option("--index", options.folder, "index folder")
        ->type_name("DIR")
        ->required();
    program.app()
        .add_option("--repair-from", options.copy,
                    "first take what is damaged from this copy of the index, and verify")
        ->type_name("DIR");
    program.app().add_flag("--verify", options.verify_all, "check every checksum, page and edge");
    program.app().add_option("--covisits", options.covisits,
                             "print so many of the most visited vertices of a kept trace");
    program.add_json_option();
    return program.run(argc, argv, [&](const std::stop_token&) { return run(options, program); });
}

}  // namespace trackway::tools

int main(int argc, char** argv) {
    return trackway::tools::run_program(argc, argv);
}
