#include "inspect_report.h"

#include "layouts/file_names.h"

#include <cstdint>
#include <cstdio>

namespace trackway::tools {
namespace {

using Json = nlohmann::ordered_json;

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

}  // namespace

void print_manifest(const layouts::Manifest& manifest) {
    std::printf("uuid          %s\n", layouts::uuid_text(manifest.uuid).c_str());
    std::printf("vectors       %llu x %u %s, metric %s\n",
                static_cast<unsigned long long>(manifest.vectors), manifest.dimension,
                name_of(manifest.element_type), name_of(manifest.metric));
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
    return {{"uuid", layouts::uuid_text(manifest.uuid)},
            {"format_minor", manifest.format_minor},
            {"vectors", manifest.vectors},
            {"dimension", manifest.dimension},
            {"element_type", name_of(manifest.element_type)},
            {"metric", name_of(manifest.metric)},
            {"max_degree", manifest.max_degree},
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
            {"calibration_with_edges", calibration_json(manifest.curve_with_edges)}};
}

void print_shard_set(const layouts::ShardSet& set) {
    std::printf("uuid          %s\n", layouts::uuid_text(set.uuid).c_str());
    std::printf("vectors       %llu x %u %s, metric %s\n",
                static_cast<unsigned long long>(set.vectors), set.dimension,
                name_of(set.element_type), name_of(set.metric));
    std::printf("shards        %zu separate ones; router of %u regions, share sought %s\n",
                set.shard_vectors.size(), set.regions,
                layouts::decimal_text(set.share_sought).c_str());
}

Json shard_set_json(const layouts::ShardSet& set) {
    return {{"uuid", layouts::uuid_text(set.uuid)},
            {"format_minor", set.format_minor},
            {"vectors", set.vectors},
            {"dimension", set.dimension},
            {"element_type", name_of(set.element_type)},
            {"metric", name_of(set.metric)},
            {"seed", set.seed},
            {"regions", set.regions},
            {"share_sought", set.share_sought}};
}

}  // namespace trackway::tools
