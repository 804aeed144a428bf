#include "layouts/file_names.h"

#include "base/errors.h"
#include "io/file.h"

#include <algorithm>

namespace trackway::layouts {
namespace {

constexpr std::size_t kUuidDigitsInName = 16;

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
    }
    return "";
}

bool all_in(std::string_view text, std::string_view digits) {
    return text.find_first_not_of(digits) == std::string_view::npos;
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

std::string shard_file_name(const Uuid& uuid, std::uint32_t shard_id, ShardPart part) {
    std::string number = std::to_string(shard_id);
    number.insert(0, 4 - std::min<std::size_t>(4, number.size()), '0');
    return base::join("shard-", number, ".", uuid_text(uuid).substr(0, kUuidDigitsInName), ".",
                      suffix_of(part));
}

bool is_index_file_name(std::string_view name) {
    constexpr std::string_view kPrefix = "shard-";
    if (name.ends_with(io::StagedFile::kSuffix)) {
        name.remove_suffix(std::string_view(io::StagedFile::kSuffix).size());
    }
    if (name == kManifestName) return true;
    if (!name.starts_with(kPrefix)) return false;
    name.remove_prefix(kPrefix.size());
    const std::string_view number = name.substr(0, name.find('.'));
    if (number.size() < 4 || number.size() == name.size() || !all_in(number, "0123456789")) {
        return false;
    }
    name.remove_prefix(number.size() + 1);
    const std::string_view digits = name.substr(0, name.find('.'));
    if (digits.size() != kUuidDigitsInName || digits.size() == name.size() ||
        !all_in(digits, "0123456789abcdef")) {
        return false;
    }
    name.remove_prefix(digits.size() + 1);
    return std::any_of(kShardParts.begin(), kShardParts.end(),
                       [&](ShardPart part) { return name == suffix_of(part); });
}

}  // namespace trackway::layouts
