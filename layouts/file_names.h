// Every name that an index folder contains.
#pragma once

#include "layouts/format.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace trackway::layouts {

constexpr const char* kManifestName = "manifest.json";

enum class ShardPart : std::uint8_t {
    kPages,
    kCodes,
    kCodebook,
    kNavigation,
    kHot,
    kCovisits,
    kVectors,
    kRouter
};

constexpr std::array<ShardPart, 8> kShardParts = {
    ShardPart::kPages, ShardPart::kCodes,    ShardPart::kCodebook, ShardPart::kNavigation,
    ShardPart::kHot,   ShardPart::kCovisits, ShardPart::kVectors,  ShardPart::kRouter};

// "shard-0003.0123456789abcdef.pages": the middle is the start of the index's uuid, so that a new
// index can be written beside the one it replaces.
std::string shard_file_name(const Uuid& uuid, std::uint32_t shard_id, ShardPart part);

// "shard-0003.0123456789abcdef": the folder of a shard that is an index of its own.
std::string shard_folder_name(const Uuid& uuid, std::uint32_t shard_id);
// The same without the uuid: "shard-0003".
std::string numbered_shard_name(std::uint32_t shard_id);
bool is_numbered_shard_name(std::string_view name);
// Of the parts that names have, the number: "0003".
std::string shard_number_text(std::uint32_t shard_id);

// 32 hexadecimal digits.
std::string uuid_text(const Uuid& uuid);

// True for names that this library gives to files of an index, finished or not: what a build may
// remove from a folder.
bool is_index_file_name(std::string_view name);
// The same of folders.
bool is_shard_folder_name(std::string_view name);

}  // namespace trackway::layouts
