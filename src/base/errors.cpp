#include "base/errors.h"

#include <array>
#include <cerrno>
#include <system_error>

namespace trackway::base {

tl::unexpected<Error> fail_errno(int error_number, std::string_view what) {
    ErrorCode code = ErrorCode::kIo;
    if (error_number == ENOENT) code = ErrorCode::kNotFound;
    if (error_number == ENOMEM) code = ErrorCode::kOutOfMemory;
    return fail(code, join(what, ": ", std::system_category().message(error_number)));
}

std::string hex(std::uint64_t value) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text(16, '0');
    for (std::size_t i = 16; i-- > 0; value >>= 4U)
        text[i] = kDigits[value & 15U];
    return text;
}

}  // namespace trackway::base
