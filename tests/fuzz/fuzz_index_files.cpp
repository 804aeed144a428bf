// Whatever is in one file of an index, under right checksums: opening, verifying and searching it
// ends in answers or an error.
#include "fuzz/edited_index.h"
#include "layouts/trace_file.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <utility>
#include <vector>

using namespace trackway;

namespace {

struct Target {
    std::filesystem::path index;
    layouts::Manifest manifest;
};

Target copy_of(const test::TempFolder& folder, const char* name) {
    const auto index = test::copy_index(folder, name);
    auto manifest = layouts::read_manifest(index);
    TRACKWAY_ASSERT(manifest.has_value());
    return {index, std::move(*manifest)};
}

// One of each kind of code; the first has sq8 vectors, the last float16 ones.
const Target& target(std::size_t number) {
    static const std::array<test::TempFolder, 3> folders{};
    static const std::array targets = {copy_of(folders[0], "fuzz/index/pq"),
                                       copy_of(folders[1], "fuzz/index/opq"),
                                       copy_of(folders[2], "fuzz/index/rabitq")};
    return targets[number % targets.size()];
}

void use_trace(const layouts::Manifest& manifest, std::span<const std::uint8_t> input) {
    static const test::TempFolder folder;
    const auto path = folder / "trace";
    const std::vector<std::uint32_t> visits = {3, 1, 5, 9, 2, 7, 8};
    TRACKWAY_ASSERT(layouts::write_trace(path, manifest.uuid, visits).has_value());
    test::Bytes bytes = test::bytes_of(path);
    fuzz::edit(bytes, input);
    test::seal_table(bytes, manifest.uuid);
    test::seal_header(bytes);
    test::save(path, bytes);
    (void)layouts::read_trace(path, manifest.uuid, manifest.vectors);
}

}  // namespace

// The first byte says which file of which index.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using layouts::ShardPart;
    static constexpr std::array kParts = {
        ShardPart::kPages, ShardPart::kCodes,    ShardPart::kCodebook, ShardPart::kNavigation,
        ShardPart::kHot,   ShardPart::kCovisits, ShardPart::kVectors};
    if (size == 0) return 0;
    const std::span input(data + 1, size - 1);
    const std::size_t number = data[0] % (kParts.size() + 1);
    const auto& [index, manifest] = target(data[0] / (kParts.size() + 1));
    if (number == kParts.size()) {
        use_trace(manifest, input);
        return 0;
    }
    const ShardPart part = kParts[number];
    const auto path = index / layouts::shard_file_name(manifest.uuid, layouts::kGraphShard, part);
    if (!std::filesystem::exists(path)) return 0;  // vectors that are kept as they are given
    const test::Bytes right = test::bytes_of(path);
    test::Bytes bytes = right;
    fuzz::edit(bytes, input);
    if (part == ShardPart::kPages) {
        test::seal_pages(bytes, layouts::page_seed(manifest.uuid));
    } else if (part == ShardPart::kVectors) {
        test::seal_pages(bytes, layouts::vectors_seed(manifest.uuid));
    } else {
        test::seal_table(bytes, manifest.uuid);
    }
    test::seal_header(bytes);
    test::save(path, bytes);
    fuzz::use(index, manifest.element_type, manifest.dimension);
    test::save(path, right);
    return 0;
}
