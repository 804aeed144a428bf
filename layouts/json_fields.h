// Reads what JSON texts of this format say, field by field.
#pragma once

#include "trackway/result.h"

#include "base/errors.h"
#include "layouts/format.h"
#include "layouts/manifest.h"

#include <nlohmann/json.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace trackway::layouts {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kCountMax = std::uint64_t{1} << 48U;

// The exact text of a file: the checksum covers the compact text of everything before it.
std::string sealed_text(Json body);

bool has_format(const Json& object, const char* format);

// An object of this format, in a version that this program knows; path is for messages. kCorruption
// when it is none, kUnsupported when the version is another.
Result<Json> parse_object(std::string_view text, const char* format,
                          const std::filesystem::path& path);

// kCorruption when the text is not exactly what sealed_text(body) writes.
Status check_sealed(std::string_view text, const Json& body, const std::filesystem::path& path);

// The text of an index's manifest.json; kNotFound where the folder has none.
Result<std::string> read_manifest_text(const std::filesystem::path& index_dir);

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
        if (!valid) return blame(name, base::join("a number of ", least, " to ", most));
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
            return blame(
                name, base::join("a number of ", decimal_text(least), " to ", decimal_text(most)));
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
        if (problem_.empty()) problem_ = base::join("field '", name, "': expected ", expected);
    }
    const std::string& problem() const noexcept { return problem_; }

private:
    static constexpr float kMost = std::numeric_limits<float>::max();

    const Json& object_;
    std::string problem_;
};

// Calls read(fields) for an object in the object.
template <class Read>
void read_object(const Json& object, const char* name, FieldReader& reader, const Read& read) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_object()) return reader.blame(name, "an object");
    FieldReader fields(*found);
    read(fields);
    if (!fields.problem().empty()) reader.blame(name, fields.problem());
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

// Nothing unless it is 32 hexadecimal digits.
inline std::optional<Uuid> parse_uuid(std::string_view text) {
    Uuid uuid{};
    if (text.size() != 2 * uuid.size()) return std::nullopt;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto digit = std::string_view("0123456789abcdef").find(text[i]);
        if (digit == std::string_view::npos) return std::nullopt;
        uuid[i / 2] = static_cast<std::uint8_t>(std::size_t{uuid[i / 2]} * 16 + digit);
    }
    return uuid;
}

inline void read_uuid(FieldReader& reader, const char* name, Uuid& uuid) {
    std::string text;
    reader.text(name, text);
    if (const auto parsed = parse_uuid(text)) {
        uuid = *parsed;
    } else {
        reader.blame(name, "32 hexadecimal digits");
    }
}

// What manifests of all kinds say: uuid, vectors, their shape and metric.
template <class Described>
void read_identity(FieldReader& reader, Described& index) {
    read_uuid(reader, "uuid", index.uuid);
    reader.number("vectors", index.vectors, 1, kCountMax);
    reader.number("dimension", index.dimension, 1, kMaxDimension);
    reader.choice("element_type", index.element_type,
                  std::array{ElementType::kFloat32, ElementType::kFloat16, ElementType::kUint8,
                             ElementType::kInt8});
    reader.choice("metric", index.metric,
                  std::array{Metric::kL2, Metric::kInnerProduct, Metric::kCosine});
}

}  // namespace trackway::layouts
