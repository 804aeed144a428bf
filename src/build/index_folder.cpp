#include "build/index_folder.h"

#include "base/errors.h"
#include "layouts/file_names.h"
#include "layouts/manifest.h"
#include "layouts/shard_set.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace trackway::builder {
namespace {

using base::fail;
using base::fail_errno;
namespace fs = std::filesystem;

// The names that the manifest in the folder stands for: none without a manifest, nullopt with one
// that cannot be read.
std::optional<std::vector<std::string>> listed_names(const fs::path& path) {
    std::vector<std::string> names = {layouts::kManifestName};
    const auto set = layouts::read_shard_set(path);
    if (!set) return std::nullopt;
    if (*set) {
        const layouts::Uuid& uuid = (*set)->uuid;
        for (std::uint32_t shard = 0; shard < (*set)->shard_vectors.size(); ++shard)
            names.push_back(layouts::shard_folder_name(uuid, shard));
        names.push_back(
            layouts::shard_file_name(uuid, layouts::kGraphShard, layouts::ShardPart::kRouter));
        return names;
    }
    const auto manifest = layouts::read_manifest(path);
    if (!manifest && manifest.error().code == ErrorCode::kNotFound) {
        return std::vector<std::string>();
    }
    if (!manifest) return std::nullopt;
    for (std::uint32_t shard = 0; shard < manifest->shards.size(); ++shard) {
        for (const layouts::ShardPart part : layouts::kShardParts)
            names.push_back(layouts::shard_file_name(manifest->uuid, shard, part));
    }
    return names;
}

// replaced: what the manifest of the index to be replaced lists.
Status check_entries(const fs::path& path, const std::vector<std::string>& replaced,
                     FolderMayHold content) {
    const bool overwrite = content != FolderMayHold::kNothing;
    const auto work = WorkFolder::open_existing(path / kWorkName);
    std::error_code error;
    TRACKWAY_TRY_ASSIGN(entries, io::list_folder(path));
    for (const fs::path& entry : entries) {
        const std::string name = entry.filename().string();
        if (name == layouts::kManifestName && !overwrite) {
            return fail(
                ErrorCode::kInvalidArgument,
                base::join(path.string(), ": holds an index already; overwrite replaces it"));
        }
        if (name == layouts::kManifestName && !fs::is_regular_file(entry, error)) {
            return fail(ErrorCode::kInvalidArgument,
                        base::join(entry.string(), ": expected a regular file"));
        }
        // Folders of shards are those that an unfinished build has moved here, or of the set that
        // is replaced; any other is an index that somebody moved here.
        const bool is_listed = std::find(replaced.begin(), replaced.end(), name) != replaced.end();
        const bool is_ours = layouts::is_index_file_name(name) || name == kWorkName ||
                             (layouts::is_shard_folder_name(name) &&
                              ((overwrite && is_listed) || (work && work->can_take_back(entry))));
        if (!is_ours && content != FolderMayHold::kOwnIndex) {
            return fail(
                ErrorCode::kInvalidArgument,
                base::join(path.string(), ": expected an empty folder",
                           overwrite ? " or one with nothing but an index" : "", ", found ", name));
        }
    }
    return {};
}

// One of the same name, of the index that is replaced, takes its place among the stages.
Status move_shard(const MovedFolder& folder) {
    std::error_code ignored;
    const int moved =
        fs::exists(folder.to, ignored)
            ? renameat2(AT_FDCWD, folder.from.c_str(), AT_FDCWD, folder.to.c_str(), RENAME_EXCHANGE)
            : rename(folder.from.c_str(), folder.to.c_str());
    if (moved == 0) return {};
    return fail_errno(errno, base::join(folder.to.string(), ": cannot move the shard here"));
}

}  // namespace

Result<IndexFolder> IndexFolder::open(const fs::path& path, FolderMayHold content) {
    IndexFolder folder;
    folder.path_ = path;
    folder.content_ = content;
    folder.replaced_ = listed_names(path).value_or(std::vector<std::string>());
    if (mkdir(path.c_str(), 0777) == 0) {
        folder.created_ = true;
    } else if (errno != EEXIST) {
        return fail_errno(errno, base::join(path.string(), ": cannot create the index folder"));
    }
    folder.lock_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder.lock_ < 0) {
        const int failed = errno;
        if (folder.created_) rmdir(path.c_str());
        return fail_errno(failed, base::join(path.string(), ": cannot open as a folder"));
    }
    if (flock(folder.lock_, LOCK_EX | LOCK_NB) != 0) {
        const int failed = errno;
        folder.published_ = true;  // another build's: leave everything as it is
        if (failed != EWOULDBLOCK)
            return fail_errno(failed, base::join(path.string(), ": cannot lock"));
        return fail(ErrorCode::kInvalidArgument,
                    base::join(path.string(), ": another build is at work in this folder"));
    }
    if (Status status = check_entries(path, folder.replaced_, content); !status) {
        if (folder.created_) rmdir(path.c_str());
        folder.published_ = true;  // not ours: leave everything as it is
        return tl::unexpected(std::move(status).error());
    }
    folder.remove_unlisted();
    return folder;
}

Result<IndexFolder> IndexFolder::join(const fs::path& path) {
    IndexFolder folder;
    folder.path_ = path;
    folder.published_ = true;
    folder.lock_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder.lock_ < 0) {
        return fail_errno(errno, base::join(path.string(), ": cannot open as a folder"));
    }
    if (flock(folder.lock_, LOCK_SH | LOCK_NB) == 0) return folder;
    if (errno != EWOULDBLOCK) return fail_errno(errno, base::join(path.string(), ": cannot lock"));
    return fail(ErrorCode::kInvalidArgument,
                base::join(path.string(), ": another build is at work in this folder"));
}

IndexFolder::IndexFolder(IndexFolder&& other) noexcept
    : path_(std::move(other.path_)),
      lock_(std::exchange(other.lock_, -1)),
      content_(other.content_),
      replaced_(std::move(other.replaced_)),
      created_(other.created_),
      published_(other.published_) {}

IndexFolder::~IndexFolder() {
    if (lock_ < 0) return;
    if (!published_) {
        remove_unlisted();
        if (const auto left = begun_work()) left->tidy();
    }
    if (!published_ && created_) rmdir(path_.c_str());
    close(lock_);
}

void IndexFolder::forget_work() const noexcept {
    if (const auto left = begun_work()) left->remove();
}

void IndexFolder::remove_unlisted() const noexcept {
    const auto listed = listed_names(path_);
    if (!listed) return;  // a manifest that cannot be read protects everything
    const auto entries = io::list_folder(path_);
    if (!entries) return;
    std::vector<fs::path> unlisted;
    for (const fs::path& entry : *entries) {
        const std::string name = entry.filename().string();
        const bool keep = std::find(listed->begin(), listed->end(), name) != listed->end();
        const bool is_ours =
            layouts::is_index_file_name(name) || layouts::is_shard_folder_name(name);
        if (is_ours && !keep) unlisted.push_back(entry);
    }
    const auto work = begun_work();
    for (const fs::path& path : unlisted) {
        const std::string name = path.filename().string();
        const bool is_shard = layouts::is_shard_folder_name(name);
        if (is_shard && work && work->take_back(path)) continue;
        const bool is_replaced =
            std::find(replaced_.begin(), replaced_.end(), name) != replaced_.end();
        if (!is_shard || is_replaced) remove_index(path);
    }
}

Status IndexFolder::publish(const std::string& manifest_text, std::vector<io::StagedFile> files,
                            std::span<const MovedFolder> folders) {
    for (io::StagedFile& file : files)
        TRACKWAY_TRY(file.publish());
    for (const MovedFolder& folder : folders)
        TRACKWAY_TRY(move_shard(folder));
    if (!folders.empty()) TRACKWAY_TRY(io::sync_folder(path_));
    if (created_) {
        const auto parent = path_.parent_path();
        TRACKWAY_TRY(io::sync_folder(parent.empty() ? "." : parent));
    }
    TRACKWAY_TRY(
        io::write_file(path_ / layouts::kManifestName, std::as_bytes(std::span(manifest_text))));
    published_ = true;
    remove_unlisted();
    if (content_ != FolderMayHold::kOwnIndex) forget_work();  // it is of another build
    return {};
}

}  // namespace trackway::builder
