// Whatever the text, parsing a manifest ends in a value or an error.
#include "base/assert.h"
#include "layouts/manifest.h"
#include "layouts/shard_set.h"

#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    const auto manifest = trackway::layouts::parse_manifest(text, "fuzz");
    if (manifest) TRACKWAY_ASSERT(trackway::layouts::manifest_text(*manifest) == text);
    const auto set = trackway::layouts::parse_shard_set(text, "fuzz");
    if (set) TRACKWAY_ASSERT(trackway::layouts::shard_set_text(*set) == text);
    return 0;
}
