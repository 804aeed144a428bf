#include "layouts/manifest.h"

#include "base/checksum.h"
#include "base/errors.h"
#include "io/file.h"
#include "layouts/file_names.h"

#include <nlohmann/json.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

namespace trackway::layouts {
namespace {

using base::fail;
using base::join;
using Json = nlohmann::ordered_json;

constexpr const char* kFormatName = "trackway-index";
constexpr std::uint64_t kManifestBytesMax = 64U << 20U;
constexpr float kMarginMost = 1000;
constexpr float kMost = std::numeric_limits<float>::max();
constexpr std::uint16_t kTablesMinor = 3;     // before, they stood with the one shard
constexpr std::uint32_t kRerankBefore12 = 2;  // format 1.1 did not say
constexpr std::uint64_t kCountMax = std::uint64_t{1} << 48U;

std::string checksum_text(std::string_view body) {
    return base::hex(base::checksum64(std::as_bytes(std::span(body))));
}

Json curve_json(const RecallCurve& curve) {
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
    return {{"search_list", curve.list_size},
            {"edge_bytes", curve.edge_bytes},
            {"margins", std::move(margins)},
            {"hot", std::move(hot)}};
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
    body["calibration"] = curve_json(manifest.curve);
    body["calibration_with_edges"] = curve_json(manifest.curve_with_edges);
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
        body["tables"] = Json::object();
        add_tables(manifest, body["tables"]);
    }
    body["shards"] = std::move(shards);
    return body;
}

// Takes fields out of a parsed object and remembers the first one that is not as it should be.
class FieldReader {
public:
    explicit FieldReader(const Json& object) : object_(object) {}

    template <class T>
    void number(const char* name, T& out, std::uint64_t least, std::uint64_t most) {
        const auto field = object_.find(name);
        const bool valid = field != object_.end() && field->is_number_unsigned() &&
                           field->get<std::uint64_t>() >= least &&
                           field->get<std::uint64_t>() <= most;
        if (!valid) return blame(name, join("a number of ", least, " to ", most));
        out = static_cast<T>(field->get<std::uint64_t>());
    }

    void text(const char* name, std::string& out) {
        const auto field = object_.find(name);
        if (field == object_.end() || !field->is_string()) return blame(name, "text");
        out = field->get<std::string>();
    }

    // A float as decimal_text() writes it.
    void decimal(const char* name, float& out, float least = -kMost, float most = kMost) {
        std::string found;
        text(name, found);
        const char* end = found.data() + found.size();
        float value = 0;
        const auto parsed = std::from_chars(found.data(), end, value);
        if (parsed.ec != std::errc() || parsed.ptr != end || !std::isfinite(value)) {
            return blame(name, "a decimal number");
        }
        if (value < least || value > most) {
            return blame(name,
                         join("a number of ", decimal_text(least), " to ", decimal_text(most)));
        }
        out = value;
    }

    template <class T, std::size_t N>
    void choice(const char* name, T& out, const std::array<T, N>& choices) {
        std::string found;
        text(name, found);
        for (const T value : choices) {
            if (found == name_of(value)) {
                out = value;
                return;
            }
        }
        blame(name, "a known name");
    }

    void blame(const char* name, const std::string& expected) {
        if (problem_.empty()) problem_ = join("field '", name, "': expected ", expected);
    }
    const std::string& problem() const noexcept { return problem_; }

private:
    const Json& object_;
    std::string problem_;
};

std::optional<Uuid> parse_uuid(std::string_view text) {
    Uuid uuid{};
    if (text.size() != 2 * uuid.size()) return std::nullopt;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto digit = std::string_view("0123456789abcdef").find(text[i]);
        if (digit == std::string_view::npos) return std::nullopt;
        uuid[i / 2] = static_cast<std::uint8_t>(std::size_t{uuid[i / 2]} * 16 + digit);
    }
    return uuid;
}

// Calls read(fields) for each object of a list.
template <class Read>
void read_list(const Json& object, const char* name, FieldReader& reader, const Read& read) {
    const auto list = object.find(name);
    if (list == object.end() || !list->is_array()) return reader.blame(name, "a list");
    for (const Json& entry : *list) {
        if (!entry.is_object()) return reader.blame(name, "objects");
        FieldReader fields(entry);
        read(fields);
        if (!fields.problem().empty()) return reader.blame(name, fields.problem());
    }
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

void read_curve(const Json& object, const char* name, FieldReader& reader, RecallCurve& curve) {
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
    read_curve(object, "calibration", reader, manifest.curve);
    read_curve(object, "calibration_with_edges", reader, manifest.curve_with_edges);
}

// The object has been parsed; problems come back as text.
std::string read_fields(const Json& object, Manifest& manifest) {
    FieldReader reader(object);
    std::string uuid;
    reader.text("uuid", uuid);
    if (const auto parsed = parse_uuid(uuid)) {
        manifest.uuid = *parsed;
    } else {
        reader.blame("uuid", "32 hexadecimal digits");
    }
    reader.number("vectors", manifest.vectors, 1, kCountMax);
    reader.number("dimension", manifest.dimension, 1, kMaxDimension);
    reader.choice("element_type", manifest.element_type,
                  std::array{ElementType::kFloat32, ElementType::kFloat16, ElementType::kUint8,
                             ElementType::kInt8});
    reader.choice("metric", manifest.metric,
                  std::array{Metric::kL2, Metric::kInnerProduct, Metric::kCosine});
    reader.number("code_bytes", manifest.code_bytes, 1, kMaxDimension);
    reader.number("max_degree", manifest.max_degree, 1, kMaxDegree);
    reader.number("build_list_size", manifest.build_list_size, 1, UINT32_MAX);
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
        const auto tables = object.find("tables");
        if (tables != object.end() && tables->is_object()) {
            FieldReader fields(*tables);
            read_tables(fields, manifest);
            if (!fields.problem().empty()) reader.blame("tables", fields.problem());
        } else {
            reader.blame("tables", "an object");
        }
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

// The checksum covers the compact text of everything before it.
std::string manifest_text(const Manifest& manifest) {
    Json body = body_of(manifest);
    body["checksum"] = checksum_text(body.dump());
    return body.dump(2) + "\n";
}

Result<Manifest> parse_manifest(std::string_view text, const std::filesystem::path& path) {
    const auto corrupt = [&](const std::string& what) {
        return fail(ErrorCode::kCorruption, join(path.string(), ": ", what));
    };
    const Json object = Json::parse(text, nullptr, false);
    if (object.is_discarded() || !object.is_object()) return corrupt("expected a JSON object");
    if (object.value("format", Json()) != kFormatName) {
        return corrupt(join("field 'format': expected ", kFormatName));
    }
    const Json major = object.value("format_major", Json());
    const Json minor = object.value("format_minor", Json());
    if (!major.is_number_unsigned() || !minor.is_number_unsigned()) {
        return corrupt("format version: expected two numbers");
    }
    if (major != kFormatMajor || minor.get<std::uint64_t>() > kFormatMinor) {
        return fail(
            ErrorCode::kUnsupported,
            join(path.string(), ": format version: expected ", kFormatMajor, ".", kFormatMinor,
                 ", found ", major.get<std::uint64_t>(), ".", minor.get<std::uint64_t>()));
    }
    Manifest manifest;
    manifest.format_minor = minor.get<std::uint16_t>();
    const std::string problem = read_fields(object, manifest);
    if (!problem.empty()) return corrupt(problem);
    if (manifest_text(manifest) != text) {
        Json body = body_of(manifest);
        return corrupt(join("checksum: expected ", checksum_text(body.dump()),
                            " and the exact text that belongs to it"));
    }
    return manifest;
}

Result<Manifest> read_manifest(const std::filesystem::path& index_dir) {
    const std::filesystem::path path = index_dir / kManifestName;
    auto bytes = io::read_file(path, kManifestBytesMax);
    if (!bytes && bytes.error().code == ErrorCode::kNotFound) {
        return fail(ErrorCode::kNotFound,
                    join(index_dir.string(), ": no index here: ", kManifestName, " not found"));
    }
    TRACKWAY_TRY(bytes);
    std::string text;
    for (const std::byte byte : *bytes)
        text += static_cast<char>(byte);
    return parse_manifest(text, path);
}

}  // namespace trackway::layouts
