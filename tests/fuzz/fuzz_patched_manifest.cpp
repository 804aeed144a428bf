// Whatever a manifest with a right checksum says, the index that it lies in is verified, opened and
// searched, or an error.
#include "fuzz/edited_index.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

using namespace trackway;
namespace fs = std::filesystem;

namespace {

// Two shards of one graph.
const fs::path& index_copy() {
    static const test::TempFolder folder;
    static const fs::path copy = test::copy_index(folder, "golden/v1.3-shards/index");
    return copy;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::string right = test::text_of(index_copy() / layouts::kManifestName);
    const std::string text = test::patched_manifest(right, fuzz::text_of({data, size}));
    if (text.empty()) return 0;
    test::save(index_copy() / layouts::kManifestName, std::as_bytes(std::span(text)));
    fuzz::use(index_copy(), ElementType::kUint8, 6);
    return 0;
}
