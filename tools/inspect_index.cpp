// inspect-index: what an index is, and with --verify whether every byte of it is sound.
#include "layouts/file_names.h"
#include "layouts/manifest.h"
#include "layouts/shard_file.h"
#include "layouts/shard_tables.h"
#include "layouts/vectors_file.h"
#include "layouts/verify_shard.h"
#include "program.h"

#include <cstdio>
#include <string>
#include <utility>

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
    std::printf("page order    %s\n", name_of(manifest.page_order));
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
    for (const ShardPart part : layouts::table_parts(manifest, id)) {
        const auto name = layouts::shard_file_name(manifest.uuid, id, part);
        const auto table =
            layouts::read_table(std::filesystem::path(folder) / name, manifest.uuid,
                                layouts::table_shape(part, manifest, shard.description));
        if (!table) return tl::unexpected(table.error());
    }
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

Status inspect(const std::string& folder, bool verify_all) {
    const auto manifest = layouts::read_manifest(folder);
    if (!manifest) return tl::unexpected(manifest.error());
    print_manifest(*manifest);
    for (std::uint32_t id = 0; id < manifest->shards.size(); ++id) {
        const auto name = layouts::shard_file_name(manifest->uuid, id, ShardPart::kPages);
        const auto shard =
            layouts::ShardFile::open(std::filesystem::path(folder) / name, manifest->uuid, id);
        if (!shard) return tl::unexpected(shard.error());
        print_shard(*shard, manifest->shards[id]);
        if (!verify_all) continue;
        if (Status status = verify(folder, *manifest, *shard); !status) return status;
    }
    return {};
}

}  // namespace

static int run_program(int argc, char** argv) {
    Program program("inspect-index", "Prints what a Trackway index is, and verifies it.");
    std::string folder;
    bool verify_all = false;
    program.app().add_option("--index", folder, "index folder")->type_name("DIR")->required();
    program.app().add_flag("--verify", verify_all, "check every checksum, page and edge");
    return program.run(argc, argv, [&](const std::stop_token&) {
        program.set_may_leave(true);
        return inspect(folder, verify_all);
    });
}

}  // namespace trackway::tools

int main(int argc, char** argv) {
    return trackway::tools::run_program(argc, argv);
}
