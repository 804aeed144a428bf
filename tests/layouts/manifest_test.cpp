#include "layouts/manifest.h"

#include "layouts/file_names.h"
#include "support/changed_text.h"
#include "support/temp_folder.h"

#include <doctest/doctest.h>

#include <string>

using namespace trackway;
using namespace trackway::layouts;

namespace {

Manifest sample() {
    Manifest manifest;
    for (std::uint8_t i = 0; i < 16; ++i)
        manifest.uuid[i] = static_cast<std::uint8_t>(17 * i);
    manifest.vectors = 1000;
    manifest.dataset_rows = 1500;
    manifest.place = {manifest.uuid, 3};
    manifest.dimension = 96;
    manifest.element_type = ElementType::kFloat16;
    manifest.metric = Metric::kCosine;
    manifest.code_bytes = 32;
    manifest.max_degree = 64;
    manifest.build_list_size = 100;
    manifest.alpha = "1.200000";
    manifest.seed = 18446744073709551615U;
    manifest.page_order = PageOrder::kBreadthFirst;
    manifest.expand_share_permille = 200;
    manifest.navigation_degree = 32;
    manifest.code_type = CodeType::kOpq;
    manifest.estimate_error = 0.1F;
    manifest.curve = {100,
                      0,
                      {{0.9F, 0.8F, -0.5F, 8.25F}, {0.95F, 0.94F, 1.0F, 12}},
                      {{0, 12}, {50, 9.5F}},
                      {{400, 0.97F, 20}, {800, 0.99F, 60}}};
    manifest.curve_with_edges = {200, 4096, {{0.96F, 0.96F, 0, 7}}, {{0, 7}}, {}};
    manifest.tables = {36096, 102400, 10, 250, 0};
    manifest.shards = {{600, 1 << 20}, {400, 1 << 19}};
    return manifest;
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
    text.replace(text.find(what), what.size(), with);
    return text;
}

}  // namespace

TEST_SUITE("layouts") {
    TEST_CASE("a manifest gives back what was written") {
        const auto parsed = parse_manifest(manifest_text(sample()), "m");
        REQUIRE(parsed);
        CHECK(*parsed == sample());
    }

    TEST_CASE("every flipped bit and every truncation of a manifest is found") {
        test::expect_changes_found(manifest_text(sample()), [](const std::string& text) {
            return parse_manifest(text, "m");
        });
    }

    TEST_CASE("errors name the file and the field") {
        const std::string text = manifest_text(sample());
        const auto message = [&](const std::string& what, const std::string& with) {
            return parse_manifest(replaced(text, what, with), "dir/manifest.json").error().message;
        };
        CHECK(message("\"dimension\": 96", "\"dimension\": 0") ==
              "dir/manifest.json: field 'dimension': expected a number of 1 to 16384");
        CHECK(message("cosine", "manhattan") ==
              "dir/manifest.json: field 'metric': expected a known name");
        CHECK(message("\"seed\"", "\"sead\"").find("field 'seed'") != std::string::npos);
        CHECK(message("1.200000", "1.300000").find("checksum") != std::string::npos);
        const auto version =
            parse_manifest(replaced(text, "\"format_major\": 1", "\"format_major\": 2"), "m");
        REQUIRE_FALSE(version);
        CHECK(version.error().code == ErrorCode::kUnsupported);
        CHECK(version.error().message == "m: format version: expected 1.5, found 2.5");
    }

    TEST_CASE("the encoding comes back to the last bit and must suit the vectors") {
        Manifest manifest = sample();
        manifest.encoding = VectorEncoding::kSq8;
        manifest.encoding_offset = -0.1F;
        manifest.encoding_step = 1.0F / 3;
        const std::string text = manifest_text(manifest);
        const auto parsed = parse_manifest(text, "m");
        REQUIRE(parsed);
        CHECK(*parsed == manifest);
        CHECK(text.find("\"encoding_offset\": \"-0.1\"") != std::string::npos);
        const auto message = [&](const std::string& what, const std::string& with) {
            return parse_manifest(replaced(text, what, with), "m").error().message;
        };
        CHECK(message("\"-0.1\"", "\"-0.1x\"") ==
              "m: field 'encoding_offset': expected a decimal number");
        CHECK(message("\"-0.1\"", "\"inf\"").find("a decimal number") != std::string::npos);
        CHECK(message("\"-0.1\"", "\"-0.10\"").find("checksum") != std::string::npos);
        CHECK(message("\"0.33333334\"", "\"0\"") ==
              "m: field 'encoding_step': expected a number above 0");
        CHECK(message("\"float16\"", "\"uint8\"") ==
              "m: field 'vector_encoding': expected one that uint8 has");
        CHECK(message("\"sq8\"", "\"sq4\"").find("expected a known name") != std::string::npos);
    }

    TEST_CASE("longer lists find more than the margins, each more than the one before") {
        const std::string text = manifest_text(sample());
        const auto message = [&](const std::string& what, const std::string& with) {
            return parse_manifest(replaced(text, what, with), "m").error().message;
        };
        const std::string rise = "list and recall that rise, above those of the margins";
        CHECK(message("\"search_list\": 800", "\"search_list\": 400").find(rise) !=
              std::string::npos);
        CHECK(message("\"recall\": \"0.97\"", "\"recall\": \"0.95\"").find(rise) !=
              std::string::npos);
        CHECK(message("\"recall\": \"0.99\"", "\"recall\": \"1.5\"").find("a number of 0 to 1") !=
              std::string::npos);
        Manifest before = sample();
        before.format_minor = 4;
        before.curve.lists.clear();
        CHECK(manifest_text(before).find("lists") == std::string::npos);
        CHECK(*parse_manifest(manifest_text(before), "m") == before);
    }

    TEST_CASE("margins rise, and stand beside a list") {
        const std::string text = manifest_text(sample());
        const auto message = [&](const std::string& what, const std::string& with) {
            return parse_manifest(replaced(text, what, with), "m").error().message;
        };
        CHECK(message("\"recall\": \"0.95\"", "\"recall\": \"0.9\"") ==
              "m: field 'calibration': expected field 'margins': expected field 'recall': "
              "expected recall and margin that rise");
        CHECK(message("\"margin\": \"1\"", "\"margin\": \"-1\"").find("that rise") !=
              std::string::npos);
        CHECK(message("\"vertices\": 50", "\"vertices\": 0").find("numbers that rise from 0") !=
              std::string::npos);
        CHECK(message("\"margin\": \"1\"", "\"margin\": \"x\"").find("field 'margin'") !=
              std::string::npos);
        CHECK(message("\"search_list\": 200", "\"search_list\": 0") ==
              "m: field 'calibration_with_edges': expected field 'search_list': "
              "expected margins and hot if and only if it is not 0");
        CHECK(message("\"estimate_error\": \"0.1\"", "\"estimate_error\": \"-1\"") ==
              "m: field 'estimate_error': expected a number of 0 to 3.4028235e+38");
        CHECK(message("\"recall_with_hot\": \"0.8\"", "\"recall_with_hot\": \"2\"")
                  .find("a number of 0 to 1") != std::string::npos);
        CHECK(
            message("\"rerank_factor\": 0", "\"rerank_factor\": 2").find("field 'rerank_factor'") !=
            std::string::npos);
        CHECK(message("\"opq\"", "\"lsq\"").find("field 'code_type'") != std::string::npos);
        CHECK(message("\"pages_per_query\": \"12\"", "\"pages_per_query\": \"13\"")
                  .find("checksum") != std::string::npos);
    }

    TEST_CASE("a folder without a manifest is no index") {
        const test::TempFolder folder;
        const auto found = read_manifest(folder.path());
        REQUIRE_FALSE(found);
        CHECK(found.error().code == ErrorCode::kNotFound);
        CHECK(found.error().message.find("no index here") != std::string::npos);
    }

    TEST_CASE("file names are recognised, finished or not, and nothing else is") {
        const std::string name = shard_file_name(sample().uuid, 3, ShardPart::kCodebook);
        CHECK(name == "shard-0003.0011223344556677.codebook");
        CHECK(is_index_file_name(name));
        CHECK(is_index_file_name(name + ".partial"));
        CHECK(is_index_file_name("manifest.json"));
        for (const char* other :
             {"shard-0003.0011223344556677.txt", "shard-03.0011223344556677.pages", "notes.txt",
              "shard-0003.001122334455667.pages", "shard-0003.pages", "shard-", "manifest.json~",
              "shard-000x.0011223344556677.pages", "shard-0003.0011223344556677.pages.old"})
            CHECK_FALSE(is_index_file_name(other));
    }
}
