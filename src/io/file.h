// Files: opened, read exactly, written under a temporary name and renamed when whole.
#pragma once

#include "trackway/result.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <utility>
#include <vector>

namespace trackway::io {

// How a file is read: past the kernel's page cache, or through it.
enum class Caching : std::uint8_t { kDirect, kPageCache };

// An open file descriptor with the name that errors mention.
class File {
public:
    File() = default;
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    File(File&& other) noexcept;
    File& operator=(File&& other) noexcept;
    ~File();

    // A regular file to read through the kernel's page cache. Anything else (a folder, a FIFO, a
    // symbolic link) is kInvalidArgument.
    static Result<File> open(const std::filesystem::path& path);
    // The same of a file that the user names, not this program: a symbolic link may lead to it.
    static Result<File> open_input(const std::filesystem::path& path);
    // As open(), past the page cache (O_DIRECT), or through it where the file system has no direct
    // I/O; is_direct() tells.
    static Result<File> open_direct(const std::filesystem::path& path);

    int descriptor() const noexcept { return descriptor_; }
    bool is_direct() const noexcept { return direct_; }
    std::uint64_t size_bytes() const noexcept { return size_bytes_; }
    const std::filesystem::path& path() const noexcept { return path_; }

    // Fills out from offset on; a file that ends too early is kCorruption.
    Status read_exact(std::uint64_t offset, std::span<std::byte> out) const;
    // Lets the kernel begin to read all of it, many requests at a time, for a read_exact() to come.
    void read_ahead(std::uint64_t offset, std::uint64_t size) const noexcept;

private:
    friend class StagedFile;
    friend class MendedFile;
    static Result<File> open_flags(const std::filesystem::path& path, int flags);
    Status look();
    Status sync() const;

    std::filesystem::path path_;
    std::uint64_t size_bytes_ = 0;
    int descriptor_ = -1;
    bool direct_ = false;
};

// A file under construction: it is called path + ".partial" until publish(), and is removed when
// the object dies unpublished.
class StagedFile {
public:
    static constexpr const char* kSuffix = ".partial";

    // kInvalidArgument where another program has the same file under construction.
    static Result<StagedFile> create(const std::filesystem::path& path);
    StagedFile(const StagedFile&) = delete;
    StagedFile& operator=(const StagedFile&) = delete;
    StagedFile(StagedFile&&) noexcept = default;
    StagedFile& operator=(StagedFile&& other) noexcept;
    ~StagedFile();

    Status append(std::span<const std::byte> bytes);
    // Makes the file so long, and has the device keep room for it: bytes not yet written are zero.
    Status reserve(std::uint64_t size_bytes);
    // Overwrites bytes already appended or reserved.
    Status write_at(std::uint64_t offset, std::span<const std::byte> bytes);
    std::uint64_t size_bytes() const noexcept { return size_bytes_; }
    const std::filesystem::path& path() const noexcept { return path_; }
    const std::filesystem::path& staged_path() const noexcept { return file_.path_; }

    // Everything appended is on the device.
    Status sync();
    // sync(), then path names the file, for ever.
    Status publish();
    // path names the file, until a power loss: for what can be made again.
    Status name();

private:
    StagedFile() = default;
    void discard() noexcept;

    File file_;
    std::filesystem::path path_;
    std::uint64_t size_bytes_ = 0;
};

// A damaged file, mended where it lies: what is sound stays as it is.
class MendedFile {
public:
    // Creates it where it is missing. Anything but a regular file is kInvalidArgument.
    static Result<MendedFile> open(const std::filesystem::path& path);

    // False where the device cannot read, or the file ends.
    bool read(std::uint64_t offset, std::span<std::byte> out) const noexcept;
    Status write(std::uint64_t offset, std::span<const std::byte> bytes);
    // So long it is from now on, and all of it on the device.
    Status finish(std::uint64_t size_bytes);

private:
    explicit MendedFile(File file) : file_(std::move(file)) {}
    File file_;
};

// What is in a folder, sorted by name.
Result<std::vector<std::filesystem::path>> list_folder(const std::filesystem::path& folder);

// Makes names that were created or renamed in the folder survive a power loss.
Status sync_folder(const std::filesystem::path& folder);

// Writes bytes as path, whole or not at all.
Status write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);

// The whole file. A file larger than limit_bytes is kCorruption, before any allocation.
Result<std::vector<std::byte>> read_file(const std::filesystem::path& path,
                                         std::uint64_t limit_bytes);

}  // namespace trackway::io
