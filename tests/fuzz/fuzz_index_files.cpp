// Whatever is in one file of an index, under right checksums: opening, verifying and searching it
// ends in answers or an error.
#include "trackway/index.h"

#include "fuzz/edited_index.h"
#include "layouts/trace_file.h"
#include "layouts/verify_index.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

using namespace trackway;

namespace {

struct Target {
    std::filesystem::path index;
    layouts::Manifest manifest;

    std::filesystem::path path(layouts::ShardPart part) const {
        return index / layouts::shard_file_name(manifest.uuid, layouts::kGraphShard, part);
    }
};

const Target& target() {
    static const test::TempFolder folder;
    static const Target built = [] {
        BuildOptions options;
        options.layout.encoding = VectorEncoding::kSq8;
        options.layout.keep_trace = true;
        const auto index = fuzz::build_small(folder, options);
        auto manifest = layouts::read_manifest(index);
        TRACKWAY_ASSERT(manifest.has_value());
        return Target{index, std::move(*manifest)};
    }();
    return built;
}

void use(const std::filesystem::path& path) {
    (void)layouts::verify_index(path);
    OpenOptions options;
    options.thread_count = 1;
    options.queries_in_flight_per_thread = 1;
    options.io = IoEngine::kPread;
    options.max_beam_width = 2;
    const auto index = Index::open(path, options);
    if (!index) return;
    const test::Vectors queries = test::random_vectors(2, 6, ElementType::kFloat32, 3);
    std::vector<Neighbor> found(2 * 5);
    SearchParams params;
    params.k = 5;
    params.search_list_size = 20;
    params.beam_width = 1;
    (void)index->search(queries.view, params, found);
}

void use_trace(std::span<const std::uint8_t> input) {
    static const test::TempFolder folder;
    const auto path = folder / "trace";
    const layouts::Uuid& uuid = target().manifest.uuid;
    const std::vector<std::uint32_t> visits = {3, 1, 5, 9, 2, 7, 8};
    TRACKWAY_ASSERT(layouts::write_trace(path, uuid, visits).has_value());
    fuzz::Bytes bytes = fuzz::bytes_of(path);
    fuzz::edit(bytes, input);
    fuzz::seal_table(bytes, uuid);
    fuzz::seal_header(bytes);
    fuzz::save(path, bytes);
    (void)layouts::read_trace(path, uuid, 1200);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using layouts::ShardPart;
    static constexpr std::array kParts = {
        ShardPart::kPages, ShardPart::kCodes,    ShardPart::kCodebook, ShardPart::kNavigation,
        ShardPart::kHot,   ShardPart::kCovisits, ShardPart::kVectors};
    if (size == 0) return 0;
    const std::span input(data + 1, size - 1);
    const std::size_t number = data[0] % (kParts.size() + 1);
    if (number == kParts.size()) {
        use_trace(input);
        return 0;
    }
    const ShardPart part = kParts[number];
    const auto path = target().path(part);
    const fuzz::Bytes right = fuzz::bytes_of(path);
    const layouts::Uuid& uuid = target().manifest.uuid;
    fuzz::Bytes bytes = right;
    fuzz::edit(bytes, input);
    if (part == ShardPart::kPages) {
        fuzz::seal_pages(bytes, layouts::page_seed(uuid));
    } else if (part == ShardPart::kVectors) {
        fuzz::seal_pages(bytes, layouts::vectors_seed(uuid));
    } else {
        fuzz::seal_table(bytes, uuid);
    }
    fuzz::seal_header(bytes);
    fuzz::save(path, bytes);
    use(target().index);
    fuzz::save(path, right);
    return 0;
}
