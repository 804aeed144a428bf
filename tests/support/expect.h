// Checks on Result and Status that show the error's message when they fail.
#pragma once

#include "trackway/result.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace trackway::test {

inline void expect_ok(const Status& status) {
    const std::string message = status ? "" : status.error().message;
    CAPTURE(message);
    REQUIRE(status.has_value());
}

// The value, or the end of the test case.
template <class T>
T expect_value(Result<T> result) {
    const std::string message = result ? "" : result.error().message;
    CAPTURE(message);
    REQUIRE(result.has_value());
    return std::move(result).value();
}

// result is an error of this code, and its message contains every one of parts.
template <class R>
void expect_error(const R& result, ErrorCode code,
                  std::initializer_list<std::string_view> parts = {}) {
    REQUIRE(!result.has_value());
    const std::string& message = result.error().message;
    CAPTURE(message);
    CHECK(static_cast<int>(result.error().code) == static_cast<int>(code));
    for (const std::string_view part : parts) {
        const std::string wanted(part);
        CAPTURE(wanted);
        CHECK(message.find(part) != std::string::npos);
    }
}

}  // namespace trackway::test
