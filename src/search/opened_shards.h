// The graphs that a search asks: one, or those of separate shards, whose tables come and go within
// a memory budget.
#pragma once

#include "trackway/options.h"
#include "trackway/result.h"

#include "io/file.h"
#include "layouts/shard_set.h"
#include "search/opened_graph.h"
#include "shard/router.h"

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace trackway::search {

// Files, router and descriptions never change; tables that are pinned stay where they are. Safe to
// use from any number of threads.
class OpenedShards {
public:
    // One graph, whose tables always stay; it must outlive this.
    explicit OpenedShards(const OpenedGraph& graph);

    // Separate shards. Reads the router and the headers of all shards; tables are read when a query
    // first needs them. kOutOfMemory when the budget does not hold router and tables of the largest
    // shard; with allow_partial a shard that cannot be opened is left out as long as there is
    // another.
    static Result<std::unique_ptr<OpenedShards>> open(const std::filesystem::path& index_dir,
                                                      const layouts::ShardSet& set,
                                                      const OpenOptions& options);

    std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(shards_.size()); }
    bool is_routed() const noexcept { return !router_.empty(); }
    shard::RouterRows router() const noexcept { return {dimension_, count(), router_}; }
    float share_sought() const noexcept { return share_sought_; }

    // Of all shards that are readable, the file of shard s's page p being number
    // first_file(s) + geometry().shard_of(p); behind them that of exact vectors, if there is one.
    std::vector<const io::File*> files() const;
    std::uint32_t first_file(std::uint32_t shard) const noexcept {
        return shards_[shard].first_file;
    }
    std::uint32_t page_size_bytes() const noexcept { return page_size_bytes_; }
    // Of the first shard that is readable.
    const layouts::GraphFiles& first_files() const noexcept;
    bool has_exact() const noexcept { return one_ != nullptr && one_->exact.has_value(); }
    // Of separate shards.
    std::uint64_t bytes_on_disk() const noexcept { return bytes_on_disk_; }
    // Of the router and all shards together, whether or not they are resident.
    std::uint64_t table_bytes() const noexcept;
    bool is_calibrated() const noexcept { return is_calibrated_; }

    // The shard's graph, which stays until unpin(). Null: there is no room before another is
    // unpinned.
    Result<const OpenedGraph*> try_pin(std::uint32_t shard);
    // Waits for room. REQUIRES: the thread has pinned none.
    Result<const OpenedGraph*> pin(std::uint32_t shard);
    void unpin(std::uint32_t shard);
    // The shard could not be read, wholly or in part. The error is kept, if it is the shard's first
    // -> the error with the number of the shard, if there are several.
    Error note_failure(std::uint32_t shard, Error error);
    // Those that are kept.
    std::vector<std::string> failures() const;
    // Times that tables were read.
    std::uint64_t loads() const;

private:
    struct Shard {
        std::filesystem::path folder;
        layouts::Manifest manifest;
        std::optional<layouts::GraphFiles> files;  // none: failure says why
        std::uint32_t first_file = 0;
        std::uint64_t table_bytes = 0;
        // Guarded by mutex_.
        std::unique_ptr<const OpenedGraph> graph;
        bool is_loading = false;
        bool is_broken = false;        // failure says why
        std::optional<Error> failure;  // the first, with the shard's number
        std::uint32_t pins = 0;
        std::uint64_t last_used = 0;
    };

    OpenedShards() = default;
    Status open_shard(const layouts::ShardSet& set, Shard& shard) const;
    Status check_budget(const std::filesystem::path& index_dir, std::uint64_t budget);
    Result<const OpenedGraph*> pin_locked(std::unique_lock<std::mutex>& lock, std::uint32_t number);
    Error note_failure_locked(std::uint32_t shard, Error error);
    bool make_room(std::uint64_t bytes);

    const OpenedGraph* one_ = nullptr;
    std::vector<Shard> shards_;
    std::vector<float> router_;
    std::uint32_t dimension_ = 0;
    float share_sought_ = 1;
    std::uint32_t page_size_bytes_ = 0;
    std::uint64_t bytes_on_disk_ = 0;
    bool is_calibrated_ = true;

    mutable std::mutex mutex_;
    std::condition_variable room_;
    std::uint64_t room_bytes_ = 0;  // for tables
    std::uint64_t used_bytes_ = 0;
    std::uint64_t clock_ = 0;
    std::uint64_t loads_ = 0;
};

}  // namespace trackway::search
