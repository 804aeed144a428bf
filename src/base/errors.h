// Short ways to make and pass on an Error.
#pragma once

#include "trackway/result.h"

#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace trackway::base {

inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
    return tl::unexpected<Error>(Error{code, std::move(message)});
}

// What a build that was asked to stop ends with.
inline tl::unexpected<Error> cancelled() {
    return fail(ErrorCode::kCancelled, "the build was stopped");
}

// "what: text of errno", coded kNotFound for ENOENT, kOutOfMemory for ENOMEM and kIo otherwise.
tl::unexpected<Error> fail_errno(int error_number, std::string_view what);

// Joins text and numbers: join("page ", 7, " of ", n).
inline void append_text(std::string& out, std::string_view text) {
    out += text;
}
template <class T>
requires std::is_arithmetic_v<T>
void append_text(std::string& out, T number) {
    out += std::to_string(number);
}
template <class... Parts>
std::string join(const Parts&... parts) {
    std::string text;
    (append_text(text, parts), ...);
    return text;
}

// body(), a Result or Status, where no exception may leave: those of the standard library, thrown
// for want of memory or threads, become errors. Short texts need no memory.
template <class Body>
auto guarded(const Body& body) -> decltype(body()) {
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::kOutOfMemory, "out of memory");
    } catch (const std::length_error&) {
        return fail(ErrorCode::kOutOfMemory, "out of memory");
    } catch (const std::system_error& error) {
        return fail(ErrorCode::kIo, error.what());
    }
}

// 16 hexadecimal digits, as checksums are shown.
std::string hex(std::uint64_t value);

}  // namespace trackway::base

// Leaves the enclosing function with the error of `expression` (a Status), if it has one.
// A named one is not copied: to copy a Result ends the program when memory is short
// (construct_with() of tl::expected is noexcept).
#define TRACKWAY_TRY(expression)                                 \
    if (auto&& trackway_status = (expression); !trackway_status) \
    return tl::unexpected<::trackway::Error>(std::move(trackway_status).error())

// NOLINTBEGIN(bugprone-macro-parentheses): a declared name cannot stand in parentheses.
// Declares `variable` from the value of `expression` (a Result<T>), or leaves with its error.
#define TRACKWAY_TRY_ASSIGN(variable, expression)                                       \
    auto variable##_result = (expression);                                              \
    if (!variable##_result)                                                             \
        return tl::unexpected<::trackway::Error>(std::move(variable##_result).error()); \
    auto variable = std::move(variable##_result).value()
// NOLINTEND(bugprone-macro-parentheses)
