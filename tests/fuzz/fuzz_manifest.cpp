// Whatever the text, parsing a manifest ends in a value or an error.
#include "base/assert.h"
#include "layouts/manifest.h"

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    const auto manifest = trackway::layouts::parse_manifest(text, "fuzz");
    if (manifest) TRACKWAY_ASSERT(trackway::layouts::manifest_text(*manifest) == text);
    return 0;
}
