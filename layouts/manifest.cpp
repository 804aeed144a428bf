#include "layouts/manifest.h"

#include "base/errors.h"
#include "layouts/file_names.h"
#include "layouts/json_fields.h"
#include "layouts/shard_set.h"

#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace trackway::layouts {
namespace {

using base::fail;
using base::join;

constexpr const char* kFormatName = "trackway-index";
constexpr float kMost = std::numeric_limits<float>::max();
constexpr std::uint16_t kListsMinor = 5;
constexpr std::uint16_t kPlaceMinor = 4;
constexpr std::uint16_t kTablesMinor = 3;     // before, they stood with the one shard
constexpr std::uint32_t kRerankBefore12 = 2;  // format 1.1 did not say

Json curve_json(const RecallCurve& curve, std::uint16_t format_minor) {
    Json margins = Json::array();
    for (const CalibratedMargin& entry : curve.margins) {
        margins.push_back({{"recall", decimal_text(entry.recall)},
                           {"recall_with_hot", decimal_text(entry.recall_with_hot)},
                           {"margin", decimal_text(entry.margin)},
                           {"pages_per_query", decimal_text(entry.pages_per_query)}});
    }
    Json hot = Json::array();
    for (const HotSaving& entry : curve.hot) {
        hot.push_back({{"vertices", entry.vertices},
                       {"pages_per_query", decimal_text(entry.pages_per_query)}});
    }
    Json object = {{"search_list", curve.list_size},
                   {"edge_bytes", curve.edge_bytes},
                   {"margins", std::move(margins)},
                   {"hot", std::move(hot)}};
    if (format_minor < kListsMinor) return object;
    Json lists = Json::array();
    for (const CalibratedList& entry : curve.lists) {
        lists.push_back({{"search_list", entry.search_list},
                         {"recall", decimal_text(entry.recall)},
                         {"pages_per_query", decimal_text(entry.pages_per_query)}});
    }
    object["lists"] = std::move(lists);
    return object;
}

void add_tables(const Manifest& manifest, Json& object) {
    const ManifestTables& tables = manifest.tables;
    object["codes_bytes"] = tables.codes_bytes;
    object["codebook_bytes"] = tables.codebook_bytes;
    if (manifest.format_minor == 0) return;
    object["navigation_vertices"] = tables.navigation_vertices;
    object["hot_vertices"] = tables.hot_vertices;
    object["covisit_edges"] = tables.covisit_edges;
}

// What format 1.2 added.
void add_search_settings(const Manifest& manifest, Json& body) {
    body["code_type"] = name_of(manifest.code_type);
    body["estimate_error"] = decimal_text(manifest.estimate_error);
    body["rerank_factor"] = manifest.rerank_factor;
    body["calibration"] = curve_json(manifest.curve, manifest.format_minor);
    body["calibration_with_edges"] = curve_json(manifest.curve_with_edges, manifest.format_minor);
}

Json body_of(const Manifest& manifest) {
    Json shards = Json::array();
    for (const ManifestShard& shard : manifest.shards) {
        Json entry = {{"vectors", shard.vectors}, {"pages_bytes", shard.pages_bytes}};
        if (manifest.format_minor < kTablesMinor) add_tables(manifest, entry);
        shards.push_back(std::move(entry));
    }
    Json body = {{"format", kFormatName},
                 {"format_major", kFormatMajor},
                 {"format_minor", manifest.format_minor},
                 {"uuid", uuid_text(manifest.uuid)},
                 {"vectors", manifest.vectors},
                 {"dimension", manifest.dimension},
                 {"element_type", name_of(manifest.element_type)},
                 {"metric", name_of(manifest.metric)},
                 {"code_bytes", manifest.code_bytes},
                 {"max_degree", manifest.max_degree},
                 {"build_list_size", manifest.build_list_size},
                 {"alpha", manifest.alpha},
                 {"seed", manifest.seed},
                 {"page_order", name_of(manifest.page_order)}};
    if (manifest.format_minor > 0) {
        body["expand_share_permille"] = manifest.expand_share_permille;
        body["navigation_degree"] = manifest.navigation_degree;
        body["vector_encoding"] = name_of(manifest.encoding);
        body["encoding_offset"] = decimal_text(manifest.encoding_offset);
        body["encoding_step"] = decimal_text(manifest.encoding_step);
    }
    if (manifest.format_minor > 1) add_search_settings(manifest, body);
    if (manifest.format_minor >= kTablesMinor) {
        if (manifest.dataset_rows != 0) body["dataset_rows"] = manifest.dataset_rows;
        if (manifest.place) {
            body["place"] = {{"partition", uuid_text(manifest.place->partition)},
                             {"shard", manifest.place->shard}};
        }
        body["tables"] = Json::object();
        add_tables(manifest, body["tables"]);
    }
    body["shards"] = std::move(shards);
    return body;
}

void read_tables(FieldReader& fields, Manifest& manifest) {
    ManifestTables& tables = manifest.tables;
    fields.number("codes_bytes", tables.codes_bytes, 1, kCountMax);
    fields.number("codebook_bytes", tables.codebook_bytes, 1, kCountMax);
    if (manifest.format_minor == 0) return;
    fields.number("navigation_vertices", tables.navigation_vertices, 1, manifest.vectors);
    fields.number("hot_vertices", tables.hot_vertices, 0, manifest.vectors);
    fields.number("covisit_edges", tables.covisit_edges, 0, kCountMax);
}

void read_shards(const Json& object, FieldReader& reader, Manifest& manifest) {
    const auto shards = object.find("shards");
    if (shards == object.end() || !shards->is_array() || shards->empty()) {
        return reader.blame("shards", "a list of at least one shard");
    }
    read_list(object, "shards", reader, [&](FieldReader& fields) {
        ManifestShard shard;
        fields.number("vectors", shard.vectors, 1, kCountMax);
        fields.number("pages_bytes", shard.pages_bytes, 1, kCountMax);
        if (manifest.format_minor < kTablesMinor) read_tables(fields, manifest);
        manifest.shards.push_back(shard);
    });
    std::uint64_t vectors = 0;
    for (const ManifestShard& shard : manifest.shards)
        vectors += shard.vectors;
    if (vectors != manifest.vectors) {
        reader.blame("shards", join(manifest.vectors, " vectors in all, found ", vectors));
    }
    if (manifest.format_minor < kTablesMinor && manifest.shards.size() > 1) {
        reader.blame("shards", "one shard in this format version");
    }
    if (manifest.shards.size() > kMaxShards) {
        reader.blame("shards", join("at most ", kMaxShards, " shards"));
    }
}

void read_encoding(FieldReader& reader, Manifest& manifest) {
    reader.choice(
        "vector_encoding", manifest.encoding,
        std::array{VectorEncoding::kAsGiven, VectorEncoding::kFloat16, VectorEncoding::kSq8});
    reader.decimal("encoding_offset", manifest.encoding_offset);
    reader.decimal("encoding_step", manifest.encoding_step);
    if (!can_encode(manifest.encoding, manifest.element_type)) {
        reader.blame("vector_encoding", join("one that ", name_of(manifest.element_type), " has"));
    }
    if (manifest.encoding_step <= 0) reader.blame("encoding_step", "a number above 0");
}

void read_lists(const Json& object, FieldReader& reader, RecallCurve& curve) {
    read_list(object, "lists", reader, [&](FieldReader& fields) {
        CalibratedList entry;
        fields.number("search_list", entry.search_list, 1, kMaxSearchList);
        fields.decimal("recall", entry.recall, 0, 1);
        fields.decimal("pages_per_query", entry.pages_per_query, 0, kMost);
        const bool first = curve.lists.empty();
        const std::uint32_t list = first ? curve.list_size : curve.lists.back().search_list;
        const float recall = first ? (curve.margins.empty() ? 0 : curve.margins.back().recall)
                                   : curve.lists.back().recall;
        if (entry.search_list <= list || entry.recall <= recall)
            fields.blame("recall", "list and recall that rise, above those of the margins");
        curve.lists.push_back(entry);
    });
}

void read_curve(const Json& object, const char* name, FieldReader& reader, RecallCurve& curve,
                std::uint16_t format_minor) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_object()) return reader.blame(name, "an object");
    FieldReader inner(*found);
    inner.number("search_list", curve.list_size, 0, kMaxSearchList);
    inner.number("edge_bytes", curve.edge_bytes, 0, kCountMax);
    read_list(*found, "margins", inner, [&](FieldReader& fields) {
        CalibratedMargin entry;
        fields.decimal("recall", entry.recall, 0, 1);
        fields.decimal("recall_with_hot", entry.recall_with_hot, 0, 1);
        fields.decimal("margin", entry.margin, -kMarginMost, kMarginMost);
        fields.decimal("pages_per_query", entry.pages_per_query, 0, kMost);
        const bool rises = curve.margins.empty() || (entry.recall > curve.margins.back().recall &&
                                                     entry.margin > curve.margins.back().margin);
        if (!rises) fields.blame("recall", "recall and margin that rise");
        curve.margins.push_back(entry);
    });
    read_list(*found, "hot", inner, [&](FieldReader& fields) {
        HotSaving entry;
        fields.number("vertices", entry.vertices, 0, UINT32_MAX);
        fields.decimal("pages_per_query", entry.pages_per_query, 0, kMost);
        const bool rises =
            curve.hot.empty() ? entry.vertices == 0 : entry.vertices > curve.hot.back().vertices;
        if (!rises) fields.blame("vertices", "numbers that rise from 0");
        curve.hot.push_back(entry);
    });
    if (format_minor >= kListsMinor) read_lists(*found, inner, curve);
    const bool is_empty = curve.list_size == 0;
    if (curve.margins.empty() != is_empty || curve.hot.empty() != is_empty) {
        inner.blame("search_list", "margins and hot if and only if it is not 0");
    }
    if (!inner.problem().empty()) reader.blame(name, inner.problem());
}

void read_search_settings(const Json& object, FieldReader& reader, Manifest& manifest) {
    reader.choice("code_type", manifest.code_type,
                  std::array{CodeType::kPq, CodeType::kOpq, CodeType::kRabitq});
    reader.decimal("estimate_error", manifest.estimate_error, 0, kMost);
    reader.number("rerank_factor", manifest.rerank_factor, 0, manifest.is_encoded() ? 1000 : 0);
    read_curve(object, "calibration", reader, manifest.curve, manifest.format_minor);
    read_curve(object, "calibration_with_edges", reader, manifest.curve_with_edges,
               manifest.format_minor);
}

// The object has been parsed; problems come back as text.
std::string read_fields(const Json& object, Manifest& manifest) {
    FieldReader reader(object);
    read_identity(reader, manifest);
    reader.number("code_bytes", manifest.code_bytes, 1, kMaxDimension);
    reader.number("max_degree", manifest.max_degree, 1, kMaxDegree);
    reader.number("build_list_size", manifest.build_list_size, 1, UINT32_MAX);
    float alpha = 0;
    reader.decimal("alpha", alpha, 1, 10);
    reader.text("alpha", manifest.alpha);
    reader.number("seed", manifest.seed, 0, std::numeric_limits<std::uint64_t>::max());
    reader.choice("page_order", manifest.page_order,
                  std::array{PageOrder::kInsertion, PageOrder::kBreadthFirst, PageOrder::kCovisit,
                             PageOrder::kAffinity});
    if (manifest.format_minor > 0) {
        reader.number("expand_share_permille", manifest.expand_share_permille, 0, 1000);
        reader.number("navigation_degree", manifest.navigation_degree, 1, kMaxDegree);
        read_encoding(reader, manifest);
    }
    if (manifest.format_minor > 1) {
        read_search_settings(object, reader, manifest);
    } else if (manifest.is_encoded()) {
        manifest.rerank_factor = kRerankBefore12;
    }
    if (manifest.format_minor >= kTablesMinor) {
        if (object.contains("dataset_rows"))
            reader.number("dataset_rows", manifest.dataset_rows, manifest.vectors + 1, kCountMax);
        if (manifest.format_minor >= kPlaceMinor && object.contains("place")) {
            read_object(object, "place", reader, [&](FieldReader& fields) {
                ShardPlace& place = manifest.place.emplace();
                read_uuid(fields, "partition", place.partition);
                fields.number("shard", place.shard, 0, kMaxShards - 1);
            });
        }
        read_object(object, "tables", reader,
                    [&](FieldReader& fields) { read_tables(fields, manifest); });
    }
    read_shards(object, reader, manifest);
    return reader.problem();
}

}  // namespace

std::string decimal_text(float value) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    return {text.data(), end};
}

float Manifest::alpha_value() const noexcept {
    float value = 1;
    std::from_chars(alpha.data(), alpha.data() + alpha.size(), value);
    return value;
}

std::string manifest_text(const Manifest& manifest) {
    return sealed_text(body_of(manifest));
}

Result<Manifest> parse_manifest(std::string_view text, const std::filesystem::path& path) {
    TRACKWAY_TRY_ASSIGN(object, parse_object(text, kFormatName, path));
    Manifest manifest;
    manifest.format_minor = object["format_minor"].get<std::uint16_t>();
    const std::string problem = read_fields(object, manifest);
    if (!problem.empty()) return fail(ErrorCode::kCorruption, join(path.string(), ": ", problem));
    TRACKWAY_TRY(check_sealed(text, body_of(manifest), path));
    return manifest;
}

Result<Manifest> read_manifest(const std::filesystem::path& index_dir) {
    TRACKWAY_TRY_ASSIGN(text, read_manifest_text(index_dir));
    TRACKWAY_TRY_ASSIGN(set, shard_set_in(text, index_dir));
    if (set) {
        return fail(ErrorCode::kUnsupported,
                    join(index_dir.string(),
                         ": expected one graph, found separate shards; each is an index of its "
                         "own, the first ",
                         shard_folder(index_dir, *set, 0).string()));
    }
    return parse_manifest(text, index_dir / kManifestName);
}

}  // namespace trackway::layouts
