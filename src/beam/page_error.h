// What is wrong with a page, as the machines of this folder say it: they know the place in the
// file, their caller knows which file.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "base/errors.h"

#include <string>

namespace trackway::beam {

// "offset 8192: page 1: ...".
template <class Geometry>
tl::unexpected<Error> page_error(const Geometry& geometry, PageId page, const std::string& what,
                                 ErrorCode code = ErrorCode::kCorruption) {
    return base::fail(code, base::join("offset ", geometry.offset_of(page), ": ", what));
}

}  // namespace trackway::beam
