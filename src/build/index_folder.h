// The folder of an index while a build writes into it: locked, cleaned, switched over at the end.
#pragma once

#include "trackway/result.h"

#include "build/work_folder.h"
#include "io/file.h"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace trackway::builder {

struct MovedFolder {
    std::filesystem::path from, to;
};

// What may be in the folder of an index to be, beside an unfinished build.
enum class FolderMayHold : std::uint8_t {
    kNothing,
    kIndex,     // which is replaced
    kOwnIndex,  // which was opened before: what else lies beside it stays
};

class IndexFolder {
public:
    // Creates the folder, or takes one over that holds what it may; its files stay until publish().
    // Anything else in it is an error, and so is another build at work in it.
    static Result<IndexFolder> open(const std::filesystem::path& path, FolderMayHold content);
    static Result<IndexFolder> open(const std::filesystem::path& path, bool overwrite) {
        return open(path, overwrite ? FolderMayHold::kIndex : FolderMayHold::kNothing);
    }
    // One of many that work on parts of the same build; it cannot publish, and removes nothing.
    static Result<IndexFolder> join(const std::filesystem::path& path);
    // What stages have made is wanted: the folder stays as it is.
    void leave() noexcept { published_ = true; }
    IndexFolder(const IndexFolder&) = delete;
    IndexFolder& operator=(const IndexFolder&) = delete;
    IndexFolder(IndexFolder&& other) noexcept;
    IndexFolder& operator=(IndexFolder&&) = delete;
    // Unpublished: removes what the build left but for stages that it finished, and the folder if
    // it made it and nothing is in it.
    ~IndexFolder();

    const std::filesystem::path& path() const noexcept { return path_; }
    // For the stages of this build; gone once it is published.
    Result<WorkFolder> work() const { return WorkFolder::open(path_ / kWorkName); }
    // The same of a build that has begun.
    Result<WorkFolder> begun_work() const { return WorkFolder::open_existing(path_ / kWorkName); }
    // Removes what stages have finished: it is of no use to another build.
    void forget_work() const noexcept;

    // Gives folders and files their names, then the manifest: from this rename on the new index is
    // the one that opens. Files of the index before are removed.
    Status publish(const std::string& manifest_text, std::vector<io::StagedFile> files,
                   std::span<const MovedFolder> folders = {});

private:
    IndexFolder() = default;
    void remove_unlisted() const noexcept;

    std::filesystem::path path_;
    int lock_ = -1;
    FolderMayHold content_ = FolderMayHold::kNothing;
    std::vector<std::string> replaced_;  // what the manifest listed when the folder was opened
    bool created_ = false;
    bool published_ = false;
};

}  // namespace trackway::builder
