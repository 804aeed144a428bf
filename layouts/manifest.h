// manifest.json: what the index is and which files it has. Written last: no manifest, no index.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "layouts/format.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trackway::layouts {

// File names follow from uuid and shard number (file_names.h).
struct ManifestShard {
    std::uint64_t vectors = 0;
    std::uint64_t pages_bytes = 0;
    bool operator==(const ManifestShard&) const = default;
};

// Of the graph that the shards make together; their files bear the number of shard 0.
struct ManifestTables {
    std::uint64_t codes_bytes = 0;
    std::uint64_t codebook_bytes = 0;
    // Rows of the tables that format 1.0 did not have.
    std::uint64_t navigation_vertices = 0;
    std::uint64_t hot_vertices = 0;
    std::uint64_t covisit_edges = 0;  // 0: the trace was not kept
    bool operator==(const ManifestTables&) const = default;
};

// No margin: the search goes on to the end of its list.
constexpr float kMarginMost = 1000;

// What queries that were held out found with a stop margin, and what it cost.
struct CalibratedMargin {
    float recall = 0;           // recall@10
    float recall_with_hot = 0;  // with the most hot vertices that were tried
    float margin = 0;
    float pages_per_query = 0;
    bool operator==(const CalibratedMargin&) const = default;
};

// What queries read with so many hot vertices resident to find 95 %, or as much as they could.
struct HotSaving {
    std::uint32_t vertices = 0;
    float pages_per_query = 0;
    bool operator==(const HotSaving&) const = default;
};

// What a longer list finds without a margin, beyond what every margin finds.
struct CalibratedList {
    std::uint32_t search_list = 0;
    float recall = 0;
    float pages_per_query = 0;
    bool operator==(const CalibratedList&) const = default;
};

struct RecallCurve {
    std::uint32_t list_size = 0;                 // that all was measured with; 0: nothing was
    std::uint64_t edge_bytes = 0;                // of memory that the resident edges take
    std::vector<CalibratedMargin> margins = {};  // recall and margin rise
    std::vector<HotSaving> hot = {};             // vertices rise, from 0
    std::vector<CalibratedList> lists = {};      // list and recall rise, above those before
    bool operator==(const RecallCurve&) const = default;
};

// Of an index that is one of separate shards: which, and of what partition of a dataset.
struct ShardPlace {
    Uuid partition{};
    std::uint32_t shard = 0;
    bool operator==(const ShardPlace&) const = default;
};

struct Manifest {
    std::uint16_t format_minor = kFormatMinor;
    Uuid uuid{};
    std::uint64_t vectors = 0;
    std::uint64_t dataset_rows = 0;  // of which these are some; 0: all of them
    std::optional<ShardPlace> place = {};
    std::uint32_t dimension = 0;
    ElementType element_type = ElementType::kFloat32;  // of the vectors given
    Metric metric = Metric::kL2;
    CodeType code_type = CodeType::kPq;
    std::uint32_t code_bytes = 0;
    std::uint32_t max_degree = 0;
    std::uint32_t build_list_size = 0;
    std::string alpha;  // decimal text, as given to the build
    std::uint64_t seed = 0;
    PageOrder page_order = PageOrder::kInsertion;
    // Of the vertices of a page, the share that a search expands when the page arrives.
    std::uint32_t expand_share_permille = 0;
    std::uint32_t navigation_degree = 0;
    VectorEncoding encoding = VectorEncoding::kAsGiven;
    float encoding_offset = 0;
    float encoding_step = 1;
    // How far estimates are off (beam::ShardView::estimate_error).
    float estimate_error = 0;
    // Rows measured again by exact vectors, for each neighbour asked for.
    std::uint32_t rerank_factor = 0;
    // With codes and navigation resident; and with the edges of all vertices as well.
    RecallCurve curve = {};
    RecallCurve curve_with_edges = {};
    ManifestTables tables = {};
    std::vector<ManifestShard> shards;

    // Rows of pages are less than this.
    std::uint64_t row_count() const noexcept { return dataset_rows != 0 ? dataset_rows : vectors; }
    float alpha_value() const noexcept;  // of the text, which was checked
    bool is_encoded() const noexcept { return encoding != VectorEncoding::kAsGiven; }
    bool operator==(const Manifest&) const = default;
};

// The shortest decimal that gives the same float back.
std::string decimal_text(float value);

// The file's exact text.
std::string manifest_text(const Manifest& manifest);

// path is for messages. Accepts exactly what manifest_text() writes: any other byte is
// kCorruption, another format version kUnsupported.
Result<Manifest> parse_manifest(std::string_view text, const std::filesystem::path& path);

// kNotFound where index_dir has no manifest.
Result<Manifest> read_manifest(const std::filesystem::path& index_dir);

}  // namespace trackway::layouts
