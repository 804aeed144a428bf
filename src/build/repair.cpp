// Takes what is not sound of an index from a copy of it.
#include "trackway/builder.h"

#include "base/aligned_buffer.h"
#include "base/errors.h"
#include "build/index_folder.h"
#include "layouts/file_names.h"
#include "layouts/file_start.h"
#include "layouts/graph_tables.h"
#include "layouts/json_fields.h"
#include "layouts/shard_set.h"
#include "layouts/vectors_file.h"
#include "layouts/verify_index.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace trackway::builder {
namespace {

using base::fail;
using base::join;
using layouts::Manifest;
using layouts::ShardPart;
namespace fs = std::filesystem;

template <class T>
Status status_of(const Result<T>& result) {
    return result ? Status() : tl::unexpected(result.error());
}

// A file of pages, behind a header that takes the room of one.
struct PagedFile {
    layouts::FileIdentity identity;
    std::uint64_t seed = 0;
    std::uint32_t first_page = 0;
    std::uint32_t page_count = 0;
    std::uint32_t page_size_bytes = 0;
};

bool is_sound(const io::File& named, const PagedFile& paged, std::uint32_t block,
              std::span<const std::byte> bytes) {
    if (block > 0) {
        return layouts::open_page(PageId{paged.first_page + block - 1}, paged.seed, bytes)
            .has_value();
    }
    const auto padding = bytes.subspan(layouts::kHeaderBytes);
    return layouts::check_header(named, bytes.first(layouts::kHeaderBytes), paged.identity) &&
           std::all_of(padding.begin(), padding.end(),
                       [](std::byte byte) { return byte == std::byte{0}; });
}

// One graph and its copy.
class GraphRepair {
public:
    GraphRepair(fs::path index_dir, fs::path copy_dir, RepairReport& report)
        : index_dir_(std::move(index_dir)), copy_dir_(std::move(copy_dir)), report_(report) {}

    Status run(const Manifest& manifest) {
        for (std::uint32_t shard = 0; shard < manifest.shards.size(); ++shard)
            TRACKWAY_TRY(mend_shard(manifest, shard));
        TRACKWAY_TRY_ASSIGN(graph, layouts::GraphFiles::open(index_dir_, manifest));
        const layouts::GraphDescription& description = graph.description();
        for (const ShardPart part : layouts::table_parts(manifest)) {
            const auto shape = layouts::table_shape(part, manifest, description);
            const auto check = [&](const fs::path& path) {
                return status_of(layouts::read_table(path, manifest.uuid, shape));
            };
            TRACKWAY_TRY(mend_table(
                layouts::shard_file_name(manifest.uuid, layouts::kGraphShard, part), check));
        }
        return manifest.is_encoded() ? mend_vectors(manifest, description) : Status();
    }

    // A file that is sound as a whole or not at all; check(path) reads it.
    template <class Check>
    Status mend_table(const std::string& name, const Check& check) {
        if (check(index_dir_ / name)) return {};
        if (const Status copy = check(copy_dir_ / name); !copy) {
            return fail(ErrorCode::kCorruption,
                        join((index_dir_ / name).string(),
                             ": not sound, nor in the copy: ", copy.error().message));
        }
        TRACKWAY_TRY_ASSIGN(bytes, io::read_file(copy_dir_ / name, UINT64_MAX));
        TRACKWAY_TRY_ASSIGN(file, io::MendedFile::open(index_dir_ / name));
        TRACKWAY_TRY(file.write(0, bytes));
        TRACKWAY_TRY(file.finish(bytes.size()));
        ++report_.tables;
        return {};
    }

private:
    Status mend_shard(const Manifest& manifest, std::uint32_t shard) {
        const std::string name = layouts::shard_file_name(manifest.uuid, shard, ShardPart::kPages);
        // Any header that is sound says what both are.
        auto known = layouts::ShardFile::open(copy_dir_ / name, manifest.uuid, shard);
        if (!known) known = layouts::ShardFile::open(index_dir_ / name, manifest.uuid, shard);
        if (!known) return tl::unexpected(known.error());
        return mend_pages(name, {.identity = {layouts::kShardMagic, manifest.uuid, shard},
                                 .seed = layouts::page_seed(manifest.uuid),
                                 .first_page = known->extent.first_page,
                                 .page_count = known->extent.page_count,
                                 .page_size_bytes = known->graph.geometry.page_size_bytes});
    }

    Status mend_vectors(const Manifest& manifest, const layouts::GraphDescription& graph) {
        const layouts::VectorsGeometry geometry = layouts::vectors_geometry(manifest, graph);
        return mend_pages(
            layouts::shard_file_name(manifest.uuid, layouts::kGraphShard, ShardPart::kVectors),
            {.identity = {layouts::kVectorsMagic, manifest.uuid, layouts::kGraphShard},
             .seed = geometry.seed,
             .first_page = 0,
             .page_count = geometry.page_count,
             .page_size_bytes = geometry.page_size_bytes});
    }

    Status mend_pages(const std::string& name, const PagedFile& paged) {
        TRACKWAY_TRY_ASSIGN(copy, io::File::open(copy_dir_ / name));
        TRACKWAY_TRY_ASSIGN(file, io::MendedFile::open(index_dir_ / name));
        base::AlignedBuffer buffer(paged.page_size_bytes);
        const std::uint64_t page_size = paged.page_size_bytes;
        for (std::uint32_t block = 0; block <= paged.page_count; ++block) {
            const std::uint64_t offset = block * page_size;
            if (file.read(offset, buffer.span()) && is_sound(copy, paged, block, buffer.span()))
                continue;
            TRACKWAY_TRY(copy.read_exact(offset, buffer.span()));
            if (!is_sound(copy, paged, block, buffer.span())) {
                return fail(ErrorCode::kCorruption,
                            join((index_dir_ / name).string(), ": offset ", offset, ": ", page_size,
                                 " bytes: neither they are sound nor those of the copy ",
                                 (copy_dir_ / name).string()));
            }
            TRACKWAY_TRY(file.write(offset, buffer.span()));
            ++report_.pages;
        }
        return file.finish((std::uint64_t{paged.page_count} + 1) * page_size);
    }

    fs::path index_dir_;
    fs::path copy_dir_;
    RepairReport& report_;
};

// The text of a manifest that can be read, of one graph or of separate shards.
Result<std::string> sound_manifest(const fs::path& index_dir) {
    TRACKWAY_TRY_ASSIGN(text, layouts::read_manifest_text(index_dir));
    TRACKWAY_TRY_ASSIGN(set, layouts::shard_set_in(text, index_dir));
    if (!set) TRACKWAY_TRY(layouts::parse_manifest(text, index_dir / layouts::kManifestName));
    return text;
}

// The folder has a file or shard of the copy by name, and so by uuid.
bool has_files_of(const fs::path& index_dir, const fs::path& copy_dir) {
    const auto entries = io::list_folder(copy_dir);
    if (!entries) return false;
    std::error_code ignored;
    for (const fs::path& entry : *entries) {
        const fs::path name = entry.filename();
        const bool is_named =
            name != layouts::kManifestName && (layouts::is_index_file_name(name.string()) ||
                                               layouts::is_shard_folder_name(name.string()));
        if (is_named && fs::exists(index_dir / name, ignored)) return true;
    }
    return false;
}

// is_named: the folder's name says what index it is.
Status mend_manifest(const fs::path& index_dir, const fs::path& copy_dir, bool is_named,
                     RepairReport& report) {
    const auto found = sound_manifest(index_dir);
    const auto other = sound_manifest(copy_dir);
    if (!found && !other) return tl::unexpected(other.error());
    const bool is_copy =
        found && other ? *found == *other : is_named || has_files_of(index_dir, copy_dir);
    if (!is_copy) {
        return fail(ErrorCode::kInvalidArgument, join(copy_dir.string(), ": expected a copy of ",
                                                      index_dir.string(), ", found another index"));
    }
    if (found) return {};
    ++report.tables;
    return io::write_file(index_dir / layouts::kManifestName, std::as_bytes(std::span(*other)));
}

Status mend_graph(const fs::path& index_dir, const fs::path& copy_dir, RepairReport& report) {
    TRACKWAY_TRY_ASSIGN(manifest, layouts::read_manifest(index_dir));
    return GraphRepair(index_dir, copy_dir, report).run(manifest);
}

Status mend_index(const fs::path& index_dir, const fs::path& copy_dir, RepairReport& report) {
    TRACKWAY_TRY(mend_manifest(index_dir, copy_dir, false, report));
    TRACKWAY_TRY_ASSIGN(set, layouts::read_shard_set(index_dir));
    if (!set) return mend_graph(index_dir, copy_dir, report);
    GraphRepair repair(index_dir, copy_dir, report);
    const std::string router =
        layouts::shard_file_name(set->uuid, layouts::kGraphShard, ShardPart::kRouter);
    TRACKWAY_TRY(repair.mend_table(router, [&](const fs::path& path) {
        return status_of(layouts::read_router(path.parent_path(), *set));
    }));
    for (std::uint32_t shard = 0; shard < set->shard_vectors.size(); ++shard) {
        const fs::path folder = layouts::shard_folder(index_dir, *set, shard);
        std::error_code error;
        fs::create_directory(folder, error);
        if (error) return base::fail_errno(error.value(), join(folder.string(), ": cannot create"));
        const fs::path copy = layouts::shard_folder(copy_dir, *set, shard);
        TRACKWAY_TRY(mend_manifest(folder, copy, true, report));
        TRACKWAY_TRY(mend_graph(folder, copy, report));
        TRACKWAY_TRY(io::sync_folder(folder));
    }
    return {};
}

}  // namespace
}  // namespace trackway::builder

namespace trackway {

Result<RepairReport> repair(const std::filesystem::path& index_dir,
                            const std::filesystem::path& copy_dir) {
    return base::guarded([&]() -> Result<RepairReport> {
        TRACKWAY_TRY_ASSIGN(folder, builder::IndexFolder::join(index_dir));
        RepairReport report;
        TRACKWAY_TRY(builder::mend_index(index_dir, copy_dir, report));
        TRACKWAY_TRY(io::sync_folder(index_dir));
        TRACKWAY_TRY(layouts::verify_index(index_dir));
        return report;
    });
}

}  // namespace trackway
