// The library's version and the on-disk format's version (layouts/FORMAT.md).
#pragma once

#include <cstdint>

namespace trackway {

constexpr const char* kVersion = "0.1.0";
constexpr std::uint16_t kFormatMajor = 1;  // a reader refuses any other major
constexpr std::uint16_t kFormatMinor = 5;  // a reader accepts this minor and smaller ones

}  // namespace trackway
