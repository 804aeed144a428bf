#include "layouts/file_names.h"

#include "base/errors.h"
#include "io/file.h"

#include <algorithm>

namespace trackway::layouts {
namespace {

constexpr std::size_t kUuidDigitsInName = 16;
constexpr std::string_view kPrefix = "shard-";

const char* suffix_of(ShardPart part) noexcept {
    switch (part) {
        case ShardPart::kPages:
            return "pages";
        case ShardPart::kCodes:
            return "codes";
        case ShardPart::kCodebook:
            return "codebook";
        case ShardPart::kNavigation:
            return "navigation";
        case ShardPart::kHot:
            return "hot";
        case ShardPart::kCovisits:
            return "covisits";
        case ShardPart::kVectors:
            return "vectors";
        case ShardPart::kRouter:
            return "router";
    }
    return "";
}

// Takes as many of these digits from the front as there are.
std::size_t remove_digits(std::string_view& name, std::string_view digits) {
    const std::size_t count = std::min(name.find_first_not_of(digits), name.size());
    name.remove_prefix(count);
    return count;
}

// Takes what numbered_shard_name() gives from the front; false when it does not stand there.
bool remove_numbered_shard_name(std::string_view& name) {
    if (!name.starts_with(kPrefix)) return false;
    name.remove_prefix(kPrefix.size());
    return remove_digits(name, "0123456789") >= 4;
}

// The same of shard_folder_name().
bool remove_shard_folder_name(std::string_view& name) {
    if (!remove_numbered_shard_name(name) || !name.starts_with('.')) return false;
    name.remove_prefix(1);
    return remove_digits(name, "0123456789abcdef") == kUuidDigitsInName;
}

}  // namespace

std::string uuid_text(const Uuid& uuid) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : uuid) {
        text += kDigits[byte >> 4U];
        text += kDigits[byte & 15U];
    }
    return text;
}

std::string shard_number_text(std::uint32_t shard_id) {
    std::string number = std::to_string(shard_id);
    number.insert(0, 4 - std::min<std::size_t>(4, number.size()), '0');
    return number;
}

std::string numbered_shard_name(std::uint32_t shard_id) {
    return std::string(kPrefix) + shard_number_text(shard_id);
}

bool is_numbered_shard_name(std::string_view name) {
    return remove_numbered_shard_name(name) && name.empty();
}

std::string shard_folder_name(const Uuid& uuid, std::uint32_t shard_id) {
    return numbered_shard_name(shard_id) + "." + uuid_text(uuid).substr(0, kUuidDigitsInName);
}

std::string shard_file_name(const Uuid& uuid, std::uint32_t shard_id, ShardPart part) {
    return shard_folder_name(uuid, shard_id) + "." + suffix_of(part);
}

bool is_shard_folder_name(std::string_view name) {
    return remove_shard_folder_name(name) && name.empty();
}

bool is_index_file_name(std::string_view name) {
    if (name.ends_with(io::StagedFile::kSuffix)) {
        name.remove_suffix(std::string_view(io::StagedFile::kSuffix).size());
    }
    if (name == kManifestName) return true;
    if (!remove_shard_folder_name(name) || !name.starts_with('.')) return false;
    name.remove_prefix(1);
    return std::any_of(kShardParts.begin(), kShardParts.end(),
                       [&](ShardPart part) { return name == suffix_of(part); });
}

}  // namespace trackway::layouts
