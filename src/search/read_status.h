// What became of one read of a page, as an error that names file and offset.
#pragma once

#include "trackway/result.h"

#include "base/errors.h"
#include "io/file.h"
#include "io/page_reader.h"

#include <cstdint>
#include <string>

namespace trackway::search {

inline Status read_status(const io::File& file, std::uint32_t page_size, const io::PageRead& read) {
    if (read.result == static_cast<int>(page_size)) return {};
    const std::string where = base::join(file.path().string(), ": offset ", read.offset, ": ");
    if (read.result < 0) return base::fail_errno(-read.result, where + "cannot read");
    return base::fail(ErrorCode::kCorruption,
                      base::join(where, "expected ", page_size, " bytes, found ", read.result));
}

}  // namespace trackway::search
