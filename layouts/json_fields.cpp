#include "layouts/json_fields.h"

#include "base/checksum.h"
#include "io/file.h"
#include "layouts/file_names.h"

#include <utility>

namespace trackway::layouts {
namespace {

using base::fail;
using base::join;

constexpr std::uint64_t kManifestBytesMax = 64U << 20U;

std::string checksum_text(const Json& body) {
    const std::string text = body.dump();
    return base::hex(base::checksum64(std::as_bytes(std::span(text))));
}

tl::unexpected<Error> corrupt(const std::filesystem::path& path, const std::string& what) {
    return fail(ErrorCode::kCorruption, join(path.string(), ": ", what));
}

}  // namespace

std::string sealed_text(Json body) {
    body["checksum"] = checksum_text(body);
    return body.dump(2) + "\n";
}

Status check_sealed(std::string_view text, const Json& body, const std::filesystem::path& path) {
    if (sealed_text(body) == text) return {};
    return corrupt(path, join("checksum: expected ", checksum_text(body),
                              " and the exact text that belongs to it"));
}

// Not by the library's own comparison, which allocates where it may not throw.
bool has_format(const Json& object, const char* format) {
    if (!object.is_object()) return false;
    const auto found = object.find("format");
    return found != object.end() && found->is_string() &&
           found->get_ref<const std::string&>() == format;
}

Result<Json> parse_object(std::string_view text, const char* format,
                          const std::filesystem::path& path) {
    Json object = Json::parse(text, nullptr, false);
    if (object.is_discarded() || !object.is_object())
        return corrupt(path, "expected a JSON object");
    if (!has_format(object, format))
        return corrupt(path, join("field 'format': expected ", format));
    const Json major = object.value("format_major", Json());
    const Json minor = object.value("format_minor", Json());
    if (!major.is_number_unsigned() || !minor.is_number_unsigned())
        return corrupt(path, "format version: expected two numbers");
    if (major != kFormatMajor || minor.get<std::uint64_t>() > kFormatMinor) {
        return fail(
            ErrorCode::kUnsupported,
            join(path.string(), ": format version: expected ", kFormatMajor, ".", kFormatMinor,
                 ", found ", major.get<std::uint64_t>(), ".", minor.get<std::uint64_t>()));
    }
    return object;
}

Result<std::string> read_manifest_text(const std::filesystem::path& index_dir) {
    const auto bytes = io::read_file(index_dir / kManifestName, kManifestBytesMax);
    if (!bytes && bytes.error().code == ErrorCode::kNotFound) {
        return fail(ErrorCode::kNotFound,
                    join(index_dir.string(), ": no index here: ", kManifestName, " not found"));
    }
    TRACKWAY_TRY(bytes);
    std::string text;
    for (const std::byte byte : *bytes)
        text += static_cast<char>(byte);
    return text;
}

}  // namespace trackway::layouts
