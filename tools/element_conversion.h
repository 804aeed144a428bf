// Numbers of one element type as another.
#pragma once

#include "trackway/types.h"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace trackway::tools {

// to = the elements of from. Returns the position of the first that the target does not hold: for
// integers one that is no whole number in range, for float16 one beyond 65504.
std::optional<std::size_t> convert_elements(std::span<const std::byte> from, ElementType from_type,
                                            ElementType to_type, std::vector<std::byte>& to);

}  // namespace trackway::tools
