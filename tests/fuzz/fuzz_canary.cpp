// Must crash within the time given: proves that the harness sees crashes.
#include "base/assert.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    TRACKWAY_ASSERT(size < 3 || data[0] != 'T' || data[1] != 'W');
    return 0;
}
