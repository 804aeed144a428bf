#include "search/opened_shards.h"

#include "base/assert.h"
#include "base/errors.h"
#include "layouts/file_names.h"
#include "layouts/file_start.h"
#include "layouts/graph_tables.h"

#include <algorithm>
#include <utility>

namespace trackway::search {
namespace {

using base::fail;
using base::join;

// Beside the tables, where no budget is given: as for one graph.
constexpr std::uint64_t kShareOfIndex = 20;

std::uint64_t bytes_of_tables(const layouts::Manifest& manifest,
                              const layouts::GraphDescription& graph) {
    std::uint64_t bytes = 0;
    for (const layouts::ShardPart part : layouts::table_parts(manifest)) {
        if (part == layouts::ShardPart::kCovisits) continue;
        const layouts::TableShape shape = layouts::table_shape(part, manifest, graph);
        bytes += shape.row_count * shape.row_bytes;
    }
    return bytes;
}

}  // namespace

OpenedShards::OpenedShards(const OpenedGraph& graph)
    : one_(&graph), page_size_bytes_(graph.geometry().page_size_bytes) {
    shards_.resize(1);
}

// Each is the set's: of the same vectors, as many as the set says.
Status OpenedShards::open_shard(const layouts::ShardSet& set, Shard& shard) const {
    TRACKWAY_TRY_ASSIGN(manifest, layouts::read_manifest(shard.folder));
    TRACKWAY_TRY_ASSIGN(files, layouts::GraphFiles::open(shard.folder, manifest));
    TRACKWAY_TRY(layouts::check_shard(set, static_cast<std::uint32_t>(&shard - shards_.data()),
                                      manifest, shard.folder));
    const std::uint32_t page_size = files.geometry().page_size_bytes;
    const layouts::ExpectedField of_first[] = {
        {"page size", page_size_bytes_ != 0 ? page_size_bytes_ : page_size, page_size}};
    TRACKWAY_TRY(layouts::check_fields(shard.folder, of_first, "the shards before"));
    shard.table_bytes = bytes_of_tables(manifest, files.description());
    shard.manifest = std::move(manifest);
    shard.files = std::move(files);
    return {};
}

Result<std::unique_ptr<OpenedShards>> OpenedShards::open(const std::filesystem::path& index_dir,
                                                         const layouts::ShardSet& set,
                                                         const OpenOptions& options) {
    std::unique_ptr<OpenedShards> opened(new OpenedShards());
    TRACKWAY_TRY_ASSIGN(router, layouts::read_router(index_dir, set));
    opened->router_ = std::move(router);
    opened->dimension_ = set.dimension;
    opened->share_sought_ = set.share_sought;
    opened->bytes_on_disk_ =
        layouts::shard_set_text(set).size() + layouts::table_file_bytes(layouts::router_shape(set));
    opened->shards_.resize(set.shard_vectors.size());
    std::uint32_t next_file = 0;
    for (std::uint32_t s = 0; s < opened->count(); ++s) {
        Shard& shard = opened->shards_[s];
        shard.folder = layouts::shard_folder(index_dir, set, s);
        shard.first_file = next_file;
        if (Status status = opened->open_shard(set, shard); !status) {
            Error error = opened->note_failure(s, std::move(status).error());
            if (options.allow_partial) continue;
            return tl::unexpected(std::move(error));
        }
        next_file += static_cast<std::uint32_t>(shard.files->shards().size());
        opened->page_size_bytes_ = shard.files->geometry().page_size_bytes;
        opened->bytes_on_disk_ += bytes_of_files(shard.manifest, *shard.files);
        opened->is_calibrated_ &= !shard.manifest.curve.margins.empty();
    }
    if (next_file == 0) return tl::unexpected(*opened->shards_.front().failure);
    TRACKWAY_TRY(opened->check_budget(index_dir, options.memory_budget_bytes));
    return opened;
}

Status OpenedShards::check_budget(const std::filesystem::path& index_dir, std::uint64_t budget) {
    const std::uint64_t router_bytes = router_.size() * sizeof(float);
    std::uint64_t all = 0;
    std::uint64_t largest = 0;
    for (const Shard& shard : shards_) {
        all += shard.table_bytes;
        largest = std::max(largest, shard.table_bytes);
    }
    if (budget == 0) budget = router_bytes + all + bytes_on_disk_ / kShareOfIndex;
    if (budget < router_bytes + largest) {
        return fail(ErrorCode::kOutOfMemory,
                    join("memory budget: ", index_dir.string(),
                         ": router and tables of the largest shard need ", router_bytes + largest,
                         " bytes, found ", budget));
    }
    room_bytes_ = budget - router_bytes;
    return {};
}

std::vector<const io::File*> OpenedShards::files() const {
    std::vector<const io::File*> files;
    const auto add = [&](const layouts::GraphFiles& graph) {
        for (const layouts::ShardFile& shard : graph.shards())
            files.push_back(&shard.file);
    };
    if (one_ != nullptr) add(one_->files);
    for (const Shard& shard : shards_)
        if (shard.files) add(*shard.files);
    if (has_exact()) files.push_back(&one_->exact->file);
    return files;
}

std::uint64_t OpenedShards::table_bytes() const noexcept {
    std::uint64_t bytes = router_.size() * sizeof(float);
    for (const Shard& shard : shards_)
        bytes += shard.table_bytes;
    return bytes;
}

const layouts::GraphFiles& OpenedShards::first_files() const noexcept {
    if (one_ != nullptr) return one_->files;
    const auto first = std::find_if(shards_.begin(), shards_.end(),
                                    [](const Shard& shard) { return shard.files.has_value(); });
    TRACKWAY_ASSERT(first != shards_.end());
    return *first->files;
}

Result<const OpenedGraph*> OpenedShards::try_pin(std::uint32_t shard) {
    if (one_ != nullptr) return one_;
    std::unique_lock lock(mutex_);
    return pin_locked(lock, shard);
}

Result<const OpenedGraph*> OpenedShards::pin(std::uint32_t shard) {
    if (one_ != nullptr) return one_;
    std::unique_lock lock(mutex_);
    for (;;) {
        TRACKWAY_TRY_ASSIGN(graph, pin_locked(lock, shard));
        if (graph != nullptr) return graph;
        room_.wait(lock);
    }
}

// Reads the tables without the lock; others that want the same shard meanwhile find no room.
Result<const OpenedGraph*> OpenedShards::pin_locked(std::unique_lock<std::mutex>& lock,
                                                    std::uint32_t number) {
    Shard& shard = shards_[number];
    if (!shard.files || shard.is_broken) return tl::unexpected(*shard.failure);
    if (shard.is_loading) return nullptr;
    if (!shard.graph) {
        if (!make_room(shard.table_bytes)) return nullptr;
        used_bytes_ += shard.table_bytes;
        shard.is_loading = true;
        ++loads_;
        lock.unlock();
        auto graph = base::guarded([&]() -> Result<std::unique_ptr<const OpenedGraph>> {
            TRACKWAY_TRY_ASSIGN(opened, OpenedGraph::open(shard.folder, shard.manifest));
            return std::make_unique<const OpenedGraph>(std::move(opened));
        });
        lock.lock();
        shard.is_loading = false;
        room_.notify_all();
        if (!graph) {
            used_bytes_ -= shard.table_bytes;
            if (graph.error().code == ErrorCode::kOutOfMemory) return tl::unexpected(graph.error());
            shard.is_broken = true;  // reading it again for every query would help nobody
            shard.failure.reset();   // of a page, before
            return tl::unexpected(note_failure_locked(number, std::move(graph).error()));
        }
        shard.graph = std::move(*graph);
    }
    ++shard.pins;
    shard.last_used = ++clock_;
    return shard.graph.get();
}

// Drops tables that nobody uses, those not used for longest first.
bool OpenedShards::make_room(std::uint64_t bytes) {
    while (used_bytes_ + bytes > room_bytes_) {
        Shard* oldest = nullptr;
        for (Shard& shard : shards_) {
            if (!shard.graph || shard.pins > 0) continue;
            if (oldest == nullptr || shard.last_used < oldest->last_used) oldest = &shard;
        }
        if (oldest == nullptr) return false;
        oldest->graph.reset();
        used_bytes_ -= oldest->table_bytes;
    }
    return true;
}

void OpenedShards::unpin(std::uint32_t shard) {
    if (one_ != nullptr) return;
    const std::lock_guard lock(mutex_);
    TRACKWAY_ASSERT(shards_[shard].pins > 0);
    if (--shards_[shard].pins == 0) room_.notify_all();
}

Error OpenedShards::note_failure(std::uint32_t shard, Error error) {
    if (one_ != nullptr) return error;
    const std::lock_guard lock(mutex_);
    return note_failure_locked(shard, std::move(error));
}

Error OpenedShards::note_failure_locked(std::uint32_t shard, Error error) {
    error.message.insert(0, join("shard ", shard, ": "));
    std::optional<Error>& first = shards_[shard].failure;
    if (!first) first = error;
    return error;
}

std::vector<std::string> OpenedShards::failures() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    for (const Shard& shard : shards_)
        if (shard.failure) all.push_back(shard.failure->message);
    return all;
}

std::uint64_t OpenedShards::loads() const {
    const std::lock_guard lock(mutex_);
    return loads_;
}

}  // namespace trackway::search
