// Whatever is in one file of a set of separate shards, under right checksums: verifying, opening
// and searching it ends in answers or an error.
#include "fuzz/edited_index.h"
#include "layouts/shard_set.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

using namespace trackway;
namespace fs = std::filesystem;

namespace {

struct Target {
    fs::path index;
    layouts::ShardSet set;
    fs::path shard;  // the folder of the first
    layouts::Manifest manifest;
};

const Target& target() {
    static const test::TempFolder folder;
    static const Target copied = [] {
        const fs::path index = test::copy_index(folder, "golden/v1.5-separate/index");
        auto set = layouts::read_shard_set(index);
        TRACKWAY_ASSERT(set && *set);
        const fs::path shard = layouts::shard_folder(index, **set, 0);
        auto manifest = layouts::read_manifest(shard);
        TRACKWAY_ASSERT(manifest.has_value());
        return Target{index, **set, shard, std::move(*manifest)};
    }();
    return copied;
}

void use(bool allow_partial) {
    OpenOptions options;
    options.allow_partial = allow_partial;
    fuzz::use(target().index, ElementType::kUint8, target().set.dimension, options);
}

// Both the set and each shard have one.
void use_manifest(const fs::path& folder, std::span<const std::uint8_t> input, bool allow_partial) {
    const fs::path path = folder / layouts::kManifestName;
    const std::string right = test::text_of(path);
    const std::string text = test::patched_manifest(right, fuzz::text_of(input));
    if (text.empty()) return;
    test::save(path, std::as_bytes(std::span(text)));
    use(allow_partial);
    test::save(path, std::as_bytes(std::span(right)));
}

void use_file(const fs::path& path, const layouts::Uuid& uuid, std::span<const std::uint8_t> input,
              bool allow_partial) {
    const test::Bytes right = test::bytes_of(path);
    test::Bytes bytes = right;
    fuzz::edit(bytes, input);
    if (path.extension() == ".pages") {
        test::seal_pages(bytes, layouts::page_seed(uuid));
    } else {
        test::seal_table(bytes, uuid);
    }
    test::seal_header(bytes);
    test::save(path, bytes);
    use(allow_partial);
    test::save(path, right);
}

}  // namespace

// The first byte says which file, and whether shards may be left out.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using layouts::ShardPart;
    static constexpr std::array kParts = {ShardPart::kPages, ShardPart::kCodes,
                                          ShardPart::kCodebook, ShardPart::kNavigation,
                                          ShardPart::kHot};
    if (size == 0) return 0;
    const Target& all = target();
    const std::span input(data + 1, size - 1);
    const bool allow_partial = data[0] % 2 == 1;
    const std::size_t number = data[0] / 2 % (kParts.size() + 3);
    if (number <= 1) {
        use_manifest(number == 0 ? all.index : all.shard, input, allow_partial);
        return 0;
    }
    if (number == 2) {
        const std::string name =
            layouts::shard_file_name(all.set.uuid, layouts::kGraphShard, ShardPart::kRouter);
        use_file(all.index / name, all.set.uuid, input, allow_partial);
        return 0;
    }
    const layouts::Uuid& uuid = all.manifest.uuid;
    const std::string name =
        layouts::shard_file_name(uuid, layouts::kGraphShard, kParts[number - 3]);
    use_file(all.shard / name, uuid, input, allow_partial);
    return 0;
}
