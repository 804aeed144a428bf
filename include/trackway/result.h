// Operating errors (bad input, bad file, failed read) are values; programmer errors are
// TRACKWAY_ASSERT. The one place that names tl::expected; std::expected takes over with C++23.
#pragma once

#include <tl/expected.hpp>

#include <cstdint>
#include <string>

namespace trackway {

enum class ErrorCode : std::uint8_t {
    kInvalidArgument = 1,  // the caller asked for something that can never work
    kNotFound = 2,         // a named file is absent
    kCorruption = 3,       // bytes disagree with FORMAT.md, or an input file with its own header
    kUnsupported = 4,      // a format version, file system or kernel feature that we do not have
    kIo = 5,               // the kernel said no; the message carries errno text
    kOutOfMemory = 6,      // a budget, or what the machine has, would be exceeded
    kCancelled = 7,        // the caller's stop token was triggered
};

// message names file, offset, expected and found, as far as they apply.
struct Error {
    ErrorCode code;
    std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = tl::expected<void, Error>;

}  // namespace trackway
