// Programmer errors stop the program, in every build type: wrong answers cost more than a crash.
#pragma once

namespace trackway::base {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;
}  // namespace trackway::base

#define TRACKWAY_ASSERT(expression) \
    ((expression) ? void(0) : ::trackway::base::assertion_failed(#expression, __FILE__, __LINE__))
