#include "build/write_stage.h"

#include "base/errors.h"
#include "layouts/file_names.h"
#include "layouts/table_file.h"
#include "layouts/verify_shard.h"

#include <utility>

namespace trackway::builder {
namespace {

using layouts::PageGeometry;
using layouts::ShardPart;

constexpr std::uint32_t kWriteBytes = 4U << 20U;

// Encodes one page: the records of the vertices that the packing put on it.
void fill_page(const ShardContent& content, const PageGeometry& geometry, PageId page,
               std::span<std::byte> bytes) {
    const std::uint32_t begin = content.packing.first[static_cast<std::uint32_t>(page)];
    const std::uint32_t end = content.packing.first[static_cast<std::uint32_t>(page) + 1];
    std::vector<std::uint32_t> places;
    places.reserve(std::size_t{end - begin} * geometry.max_degree);
    std::vector<layouts::VertexRecord> records;
    for (const std::uint32_t vertex : content.order.subspan(begin, end - begin)) {
        const std::size_t first = places.size();
        for (const std::uint32_t neighbor : content.adjacency.neighbors(vertex))
            places.push_back(static_cast<std::uint32_t>(content.packing.place[neighbor]));
        records.push_back(
            {VectorId{vertex}, content.vectors.row(vertex), std::span(places).subspan(first)});
    }
    layouts::encode_page(geometry, page, records, bytes);
}

Status write_pages(layouts::ShardFileWriter& writer, const PageGeometry& geometry,
                   const ShardContent& content, const base::Arena& arena) {
    const std::size_t page_size = geometry.page_size_bytes;
    const std::uint32_t step = kWriteBytes / geometry.page_size_bytes;
    std::vector<std::byte> buffer(step * page_size);
    for (std::uint32_t begin = 0; begin < geometry.page_count; begin += step) {
        const std::uint32_t count = std::min(step, geometry.page_count - begin);
        arena.parallel_for(count, 16, [&](std::size_t first, std::size_t last, auto) {
            for (std::size_t i = first; i < last; ++i) {
                fill_page(content, geometry, PageId{begin + static_cast<std::uint32_t>(i)},
                          std::span(buffer).subspan(i * page_size, page_size));
            }
        });
        if (arena.stopped()) return base::fail(ErrorCode::kCancelled, "the build was stopped");
        TRACKWAY_TRY(writer.append(std::span(buffer).first(count * page_size)));
    }
    return {};
}

layouts::TableShape codes_shape(const layouts::ShardDescription& description,
                                const quant::ProductQuantizer& quantizer) {
    return {layouts::TableKind::kCodes, description.shard_id, quantizer.code_bytes(),
            description.geometry.place_count()};
}

layouts::TableShape codebook_shape(const layouts::ShardDescription& description) {
    return {layouts::TableKind::kCodebook, description.shard_id,
            distance::kCodewords * static_cast<std::uint32_t>(sizeof(float)),
            description.dimension};
}

}  // namespace

Result<StagedShard> write_shard(const std::filesystem::path& folder, const layouts::Uuid& uuid,
                                const layouts::ShardDescription& description,
                                const ShardContent& content, const base::Arena& arena) {
    const auto path = [&](ShardPart part) {
        return folder / layouts::shard_file_name(uuid, description.shard_id, part);
    };
    TRACKWAY_TRY_ASSIGN(
        pages, layouts::ShardFileWriter::create(path(ShardPart::kPages), uuid, description));
    TRACKWAY_TRY(write_pages(pages, description.geometry, content, arena));
    TRACKWAY_TRY_ASSIGN(codes, layouts::write_table(path(ShardPart::kCodes), uuid,
                                                    codes_shape(description, content.quantizer),
                                                    std::as_bytes(content.codes)));
    TRACKWAY_TRY_ASSIGN(codebook, layouts::write_table(
                                      path(ShardPart::kCodebook), uuid, codebook_shape(description),
                                      std::as_bytes(content.quantizer.codewords())));
    return StagedShard{std::move(pages.file()), std::move(codes), std::move(codebook)};
}

Status verify_staged(const StagedShard& staged, const layouts::Uuid& uuid,
                     const layouts::ShardDescription& description,
                     const quant::ProductQuantizer& quantizer) {
    TRACKWAY_TRY_ASSIGN(
        shard, layouts::ShardFile::open(staged.pages.staged_path(), uuid, description.shard_id));
    TRACKWAY_TRY(layouts::verify_shard(shard));
    TRACKWAY_TRY(
        layouts::read_table(staged.codes.staged_path(), uuid, codes_shape(description, quantizer)));
    TRACKWAY_TRY(
        layouts::read_table(staged.codebook.staged_path(), uuid, codebook_shape(description)));
    return {};
}

}  // namespace trackway::builder
