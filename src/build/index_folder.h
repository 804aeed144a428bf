// The folder of an index while a build writes into it: locked, cleaned, switched over at the end.
#pragma once

#include "trackway/result.h"

#include "io/file.h"
#include "layouts/manifest.h"

#include <filesystem>
#include <vector>

namespace trackway::builder {

class IndexFolder {
public:
    // Creates the folder, or takes one over that is empty, holds an unfinished build, or (with
    // overwrite) an index; its files stay until publish(). Anything else in it is an error, and so
    // is another build at work in it.
    static Result<IndexFolder> open(const std::filesystem::path& path, bool overwrite);
    IndexFolder(const IndexFolder&) = delete;
    IndexFolder& operator=(const IndexFolder&) = delete;
    IndexFolder(IndexFolder&& other) noexcept;
    IndexFolder& operator=(IndexFolder&&) = delete;
    // Unpublished: removes what the build left, and the folder if it made it.
    ~IndexFolder();

    const std::filesystem::path& path() const noexcept { return path_; }

    // Gives the files their names, then the manifest: from this rename on the new index is the
    // one that opens. Files of the index before are removed.
    Status publish(const layouts::Manifest& manifest, std::vector<io::StagedFile> files);

private:
    IndexFolder() = default;
    void remove_unlisted() const noexcept;

    std::filesystem::path path_;
    int lock_ = -1;
    bool created_ = false;
    bool published_ = false;
};

}  // namespace trackway::builder
