// inspect-index: what an index is, and with --verify whether every byte of it is sound.
#include "trackway/builder.h"

#include "layouts/file_names.h"
#include "layouts/graph_files.h"
#include "layouts/graph_tables.h"
#include "layouts/manifest.h"
#include "layouts/shard_set.h"
#include "layouts/verify_index.h"
#include "program.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace trackway::tools {
namespace {

using layouts::ShardPart;

void print_manifest(const layouts::Manifest& manifest) {
    std::printf("uuid          %s\n", layouts::uuid_text(manifest.uuid).c_str());
    std::printf("vectors       %llu x %u %s, metric %s\n",
                static_cast<unsigned long long>(manifest.vectors), manifest.dimension,
                name_of(manifest.element_type), name_of(manifest.metric));
    std::printf("built with    max degree %u, build list %u, alpha %s, seed %llu\n",
                manifest.max_degree, manifest.build_list_size, manifest.alpha.c_str(),
                static_cast<unsigned long long>(manifest.seed));
    std::printf("codes         %u bytes per vector\n", manifest.code_bytes);
    std::printf("page order    %s; %u permille of a page expanded at once\n",
                name_of(manifest.page_order), manifest.expand_share_permille);
    if (manifest.is_encoded()) {
        std::printf("searched as   %s, offset %s, step %s; exact vectors in a side file\n",
                    name_of(manifest.encoding),
                    layouts::decimal_text(manifest.encoding_offset).c_str(),
                    layouts::decimal_text(manifest.encoding_step).c_str());
    }
}

void print_shard(const layouts::ShardFile& shard) {
    const layouts::ShardExtent& extent = shard.extent;
    std::printf("shard %04u    %u vertices on %u pages (%.2f each), %llu bytes\n", extent.shard_id,
                extent.vertex_count, extent.page_count,
                static_cast<double>(extent.vertex_count) / extent.page_count,
                static_cast<unsigned long long>(shard.file.size_bytes()));
}

void print_graph(const layouts::GraphFiles& graph, const layouts::ManifestTables& tables) {
    const layouts::PageGeometry& geometry = graph.geometry();
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

std::filesystem::path path_of(const std::string& folder, const layouts::Manifest& manifest,
                              ShardPart part) {
    return std::filesystem::path(folder) /
           layouts::shard_file_name(manifest.uuid, layouts::kGraphShard, part);
}

Status verify(const std::string& folder, const layouts::Manifest& manifest,
              const layouts::GraphFiles& graph) {
    const auto contents = layouts::verify_files(folder, manifest, graph);
    if (!contents) return tl::unexpected(contents.error());
    std::printf(
        "verified      %zu shards: %llu vertices, %llu edges, %llu empty places, all tables\n",
        graph.shards().size(), static_cast<unsigned long long>(contents->vertices),
        static_cast<unsigned long long>(contents->edges),
        static_cast<unsigned long long>(contents->empty_places));
    return {};
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
    std::uint32_t covisits = 0;
};

Status inspect_graph(const InspectOptions& options) {
    const std::string& folder = options.folder;
    const auto manifest = layouts::read_manifest(folder);
    if (!manifest) return tl::unexpected(manifest.error());
    print_manifest(*manifest);
    const auto graph = layouts::GraphFiles::open(folder, *manifest);
    if (!graph) return tl::unexpected(graph.error());
    print_graph(*graph, manifest->tables);
    if (options.covisits > 0) {
        Status status = print_covisits(folder, *manifest, graph->description(), options.covisits);
        if (!status) return status;
    }
    return options.verify_all ? verify(folder, *manifest, *graph) : Status();
}

// Of separate shards: the set and its router, then each shard like any index.
Status inspect(const InspectOptions& options) {
    const auto set = layouts::read_shard_set(options.folder);
    if (!set) return tl::unexpected(set.error());
    if (!*set) return inspect_graph(options);
    std::printf("uuid          %s\n", layouts::uuid_text((*set)->uuid).c_str());
    std::printf("vectors       %llu x %u %s, metric %s\n",
                static_cast<unsigned long long>((*set)->vectors), (*set)->dimension,
                name_of((*set)->element_type), name_of((*set)->metric));
    std::printf("shards        %zu separate ones; router of %u regions, share sought %s\n",
                (*set)->shard_vectors.size(), (*set)->regions,
                layouts::decimal_text((*set)->share_sought).c_str());
    const auto router = layouts::read_router(options.folder, **set);
    if (!router) return tl::unexpected(router.error());
    for (std::uint32_t shard = 0; shard < (*set)->shard_vectors.size(); ++shard) {
        InspectOptions of_shard = options;
        of_shard.folder = layouts::shard_folder(options.folder, **set, shard).string();
        std::printf("\nseparate shard %u: %s\n", shard, of_shard.folder.c_str());
        const auto manifest = layouts::read_manifest(of_shard.folder);
        if (!manifest) return tl::unexpected(manifest.error());
        Status status = layouts::check_shard(**set, shard, *manifest, of_shard.folder);
        if (status) status = inspect_graph(of_shard);
        if (!status) return status;
    }
    return {};
}

}  // namespace

static int run_program(int argc, char** argv) {
    Program program("inspect-index", "Prints what a Trackway index is, and verifies it.");
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
    return program.run(argc, argv, [&](const std::stop_token&) {
        if (options.copy.empty()) {
            program.set_may_leave(true);
            return inspect(options);
        }
        const auto report = repair(options.folder, options.copy);
        if (!report) return Status(tl::unexpected(report.error()));
        std::printf("repaired      %llu pages, %llu tables and manifests\n",
                    static_cast<unsigned long long>(report->pages),
                    static_cast<unsigned long long>(report->tables));
        return inspect(options);
    });
}

}  // namespace trackway::tools

int main(int argc, char** argv) {
    return trackway::tools::run_program(argc, argv);
}
