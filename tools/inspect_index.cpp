// inspect-index: what an index is, and with --verify whether every byte of it is sound.
#include "layouts/file_names.h"
#include "layouts/manifest.h"
#include "layouts/shard_file.h"
#include "layouts/shard_tables.h"
#include "layouts/vectors_file.h"
#include "layouts/verify_shard.h"
#include "layouts/verify_tables.h"
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

void print_shard(const layouts::ShardFile& shard, const layouts::ManifestShard& entry) {
    const layouts::PageGeometry& geometry = shard.description.geometry;
    std::printf(
        "shard %04u    %u vertices on %u pages of %u bytes (%.2f each, %u numbers reserved),"
        " entry point %u\n",
        shard.description.shard_id, shard.description.vertex_count, geometry.page_count,
        geometry.page_size_bytes,
        static_cast<double>(shard.description.vertex_count) / geometry.page_count,
        geometry.vertices_per_page, static_cast<std::uint32_t>(shard.description.entry_point));
    std::printf("              %llu bytes of pages, %llu of codes, %llu of codebook\n",
                static_cast<unsigned long long>(entry.pages_bytes),
                static_cast<unsigned long long>(entry.codes_bytes),
                static_cast<unsigned long long>(entry.codebook_bytes));
    std::printf("              %llu vertices of navigation, %llu hot, %llu rows of co-visits\n",
                static_cast<unsigned long long>(entry.navigation_vertices),
                static_cast<unsigned long long>(entry.hot_vertices),
                static_cast<unsigned long long>(entry.covisit_edges));
}

Status verify_exact(const std::string& folder, const layouts::Manifest& manifest,
                    const layouts::ShardDescription& shard) {
    const auto name = layouts::shard_file_name(manifest.uuid, shard.shard_id, ShardPart::kVectors);
    const auto vectors =
        layouts::VectorsFile::open(std::filesystem::path(folder) / name, manifest, shard);
    if (!vectors) return tl::unexpected(vectors.error());
    return layouts::verify_vectors(*vectors);
}

Status verify(const std::string& folder, const layouts::Manifest& manifest,
              const layouts::ShardFile& shard) {
    const std::uint32_t id = shard.description.shard_id;
    const Status matches = layouts::check_against_manifest(shard, manifest);
    if (!matches) return matches;
    const auto contents = layouts::verify_shard(shard);
    if (!contents) return tl::unexpected(contents.error());
    const Status tables = layouts::verify_tables(folder, manifest, shard, *contents);
    if (!tables) return tables;
    if (manifest.is_encoded()) {
        const Status exact = verify_exact(folder, manifest, shard.description);
        if (!exact) return exact;
    }
    std::printf(
        "verified      shard %04u: %llu vertices, %llu edges, %llu empty places, all "
        "tables\n",
        id, static_cast<unsigned long long>(contents->vertices),
        static_cast<unsigned long long>(contents->edges),
        static_cast<unsigned long long>(contents->empty_places));
    return {};
}

// The strongest vertices of the kept trace, each with what queries visit beside it. The table gives
// each vertex a row of its own, then its edges, heaviest first.
Status print_covisits(const std::string& folder, const layouts::Manifest& manifest,
                      const layouts::ShardFile& shard, std::uint32_t count) {
    const std::uint32_t id = shard.description.shard_id;
    if (manifest.shards[id].covisit_edges == 0) {
        return tl::unexpected(Error{ErrorCode::kInvalidArgument,
                                    folder + ": the trace was not kept; build or reorder with "
                                             "--keep-trace"});
    }
    const auto name = layouts::shard_file_name(manifest.uuid, id, ShardPart::kCovisits);
    const auto table = layouts::read_table(
        std::filesystem::path(folder) / name, manifest.uuid,
        layouts::table_shape(ShardPart::kCovisits, manifest, shard.description));
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
    bool verify_all = false;
    std::uint32_t covisits = 0;
};

Status inspect(const InspectOptions& options) {
    const std::string& folder = options.folder;
    const auto manifest = layouts::read_manifest(folder);
    if (!manifest) return tl::unexpected(manifest.error());
    print_manifest(*manifest);
    for (std::uint32_t id = 0; id < manifest->shards.size(); ++id) {
        const auto name = layouts::shard_file_name(manifest->uuid, id, ShardPart::kPages);
        const auto shard =
            layouts::ShardFile::open(std::filesystem::path(folder) / name, manifest->uuid, id);
        if (!shard) return tl::unexpected(shard.error());
        print_shard(*shard, manifest->shards[id]);
        if (options.covisits > 0) {
            Status status = print_covisits(folder, *manifest, *shard, options.covisits);
            if (!status) return status;
        }
        if (!options.verify_all) continue;
        if (Status status = verify(folder, *manifest, *shard); !status) return status;
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
    program.app().add_flag("--verify", options.verify_all, "check every checksum, page and edge");
    program.app().add_option("--covisits", options.covisits,
                             "print so many of the most visited vertices of a kept trace");
    return program.run(argc, argv, [&](const std::stop_token&) {
        program.set_may_leave(true);
        return inspect(options);
    });
}

}  // namespace trackway::tools

int main(int argc, char** argv) {
    return trackway::tools::run_program(argc, argv);
}
