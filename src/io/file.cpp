#include "io/file.h"

#include "base/assert.h"
#include "base/errors.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace trackway::io {
namespace {

constexpr mode_t kMode = S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH;  // of a new file

Status write_fully(int descriptor, std::uint64_t offset, std::span<const std::byte> bytes,
                   const std::filesystem::path& path) {
    while (!bytes.empty()) {
        const ssize_t written =
            pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            return base::fail_errno(
                errno, base::join(path.string(), ": offset ", offset, ": cannot write"));
        }
        offset += static_cast<std::uint64_t>(written);
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

}  // namespace

File::File(File&& other) noexcept
    : path_(std::move(other.path_)),
      size_bytes_(other.size_bytes_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      direct_(other.direct_) {}

File& File::operator=(File&& other) noexcept {
    if (this == &other) return *this;
    if (descriptor_ >= 0) close(descriptor_);
    path_ = std::move(other.path_);
    size_bytes_ = other.size_bytes_;
    descriptor_ = std::exchange(other.descriptor_, -1);
    direct_ = other.direct_;
    return *this;
}

File::~File() {
    if (descriptor_ >= 0) close(descriptor_);
}

// O_NONBLOCK: opening a FIFO must not wait for a writer.
Result<File> File::open_flags(const std::filesystem::path& path, int flags) {
    File file;
    file.path_ = path;
    file.descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
    // Not where the links of a folder lead nowhere.
    std::error_code ignored;
    const int failed = file.descriptor_ < 0 ? errno : 0;
    if (failed == ELOOP && (flags & O_NOFOLLOW) != 0 &&
        std::filesystem::is_symlink(path, ignored)) {
        return base::fail(
            ErrorCode::kInvalidArgument,
            base::join(path.string(), ": expected a regular file, found a symbolic link"));
    }
    if (failed != 0) return base::fail_errno(failed, base::join(path.string(), ": cannot open"));
    TRACKWAY_TRY(file.look());
    return file;
}

// A regular file, and its size.
Status File::look() {
    struct stat status {};
    if (fstat(descriptor_, &status) != 0) {
        return base::fail_errno(errno, base::join(path_.string(), ": cannot stat"));
    }
    if (!S_ISREG(status.st_mode)) {
        const char* found = S_ISDIR(status.st_mode) ? "a folder" : "a special file";
        return base::fail(ErrorCode::kInvalidArgument,
                          base::join(path_.string(), ": expected a regular file, found ", found));
    }
    size_bytes_ = static_cast<std::uint64_t>(status.st_size);
    return {};
}

Status File::sync() const {
    if (fsync(descriptor_) == 0) return {};
    return base::fail_errno(errno, base::join(path_.string(), ": cannot sync"));
}

Result<File> File::open(const std::filesystem::path& path) {
    return open_flags(path, O_NOFOLLOW);
}

Result<File> File::open_input(const std::filesystem::path& path) {
    return open_flags(path, 0);
}

Result<File> File::open_direct(const std::filesystem::path& path) {
    Result<File> file = open_flags(path, O_NOFOLLOW | O_DIRECT);
    if (file) {
        file->direct_ = true;
        return file;
    }
    // A file system without direct I/O refuses the flag with EINVAL; any other error comes back
    // from this second try as well.
    return open(path);
}

Status File::read_exact(std::uint64_t offset, std::span<std::byte> out) const {
    std::size_t done = 0;
    while (done < out.size()) {
        const ssize_t got = pread(descriptor_, out.data() + done, out.size() - done,
                                  static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            return base::fail_errno(
                errno, base::join(path_.string(), ": offset ", offset + done, ": cannot read"));
        }
        if (got == 0) {
            return base::fail(ErrorCode::kCorruption,
                              base::join(path_.string(), ": offset ", offset, ": expected ",
                                         out.size(), " bytes, found ", done));
        }
        done += static_cast<std::size_t>(got);
    }
    return {};
}

void File::read_ahead(std::uint64_t offset, std::uint64_t size) const noexcept {
    // Advice: where it is not taken, reads are as they were.
    posix_fadvise(descriptor_, static_cast<off_t>(offset), static_cast<off_t>(size),
                  POSIX_FADV_WILLNEED);
}

namespace {

// Another program may have finished the file, and given it its name, between open and lock.
bool names_this_file(const char* name, int descriptor) {
    struct stat by_name {};
    struct stat opened {};
    return stat(name, &by_name) == 0 && fstat(descriptor, &opened) == 0 &&
           by_name.st_dev == opened.st_dev && by_name.st_ino == opened.st_ino;
}

}  // namespace

Result<StagedFile> StagedFile::create(const std::filesystem::path& path) {
    // A pipe or a device would be replaced by a file of its name.
    struct stat status {};
    if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
        return base::fail(ErrorCode::kInvalidArgument,
                          base::join(path.string(), ": expected a regular file or none, found a ",
                                     "pipe or a device"));
    }
    StagedFile staged;
    staged.path_ = path;
    staged.file_.path_ = path.string() + kSuffix;
    const char* name = staged.file_.path_.c_str();
    for (;;) {
        const int descriptor = ::open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kMode);
        if (descriptor < 0) {
            return base::fail_errno(errno, base::join(name, ": cannot create"));
        }
        File own;
        own.descriptor_ = descriptor;
        if (flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            return base::fail(ErrorCode::kInvalidArgument,
                              base::join(name, ": another program is writing this file"));
        }
        if (!names_this_file(name, descriptor)) continue;
        if (ftruncate(descriptor, 0) != 0) {
            return base::fail_errno(errno, base::join(name, ": cannot empty"));
        }
        staged.file_.descriptor_ = std::exchange(own.descriptor_, -1);
        return staged;
    }
}

StagedFile& StagedFile::operator=(StagedFile&& other) noexcept {
    if (this == &other) return *this;
    discard();
    file_ = std::move(other.file_);
    path_ = std::move(other.path_);
    size_bytes_ = other.size_bytes_;
    return *this;
}

StagedFile::~StagedFile() {
    discard();
}

void StagedFile::discard() noexcept {
    if (file_.descriptor_ >= 0) unlink(file_.path_.c_str());
    file_ = File();
}

Status StagedFile::append(std::span<const std::byte> bytes) {
    TRACKWAY_TRY(write_fully(file_.descriptor_, size_bytes_, bytes, file_.path_));
    size_bytes_ += bytes.size();
    return {};
}

Status StagedFile::reserve(std::uint64_t size_bytes) {
    TRACKWAY_ASSERT(size_bytes >= size_bytes_);
    if (size_bytes == size_bytes_) return {};
    int failed = 0;
    do {
        failed = posix_fallocate(file_.descriptor_, 0, static_cast<off_t>(size_bytes));
    } while (failed == EINTR);
    if (failed != 0) {
        return base::fail_errno(
            failed, base::join(file_.path_.string(), ": cannot write ", size_bytes, " bytes"));
    }
    size_bytes_ = size_bytes;
    return {};
}

Status StagedFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
    TRACKWAY_ASSERT(offset <= size_bytes_ && bytes.size() <= size_bytes_ - offset);
    return write_fully(file_.descriptor_, offset, bytes, file_.path_);
}

Status StagedFile::sync() {
    return file_.sync();
}

Status StagedFile::publish() {
    TRACKWAY_TRY(sync());
    TRACKWAY_TRY(name());
    const auto folder = path_.parent_path();
    return sync_folder(folder.empty() ? "." : folder);
}

Status StagedFile::name() {
    if (std::rename(file_.path_.c_str(), path_.c_str()) != 0) {
        return base::fail_errno(errno, base::join(path_.string(), ": cannot rename into place"));
    }
    file_ = File();
    return {};
}

Result<MendedFile> MendedFile::open(const std::filesystem::path& path) {
    File file;
    file.path_ = path;
    constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    file.descriptor_ = ::open(path.c_str(), kFlags, kMode);
    if (file.descriptor_ < 0) {
        return base::fail_errno(errno, base::join(path.string(), ": cannot open for writing"));
    }
    TRACKWAY_TRY(file.look());
    return MendedFile(std::move(file));
}

bool MendedFile::read(std::uint64_t offset, std::span<std::byte> out) const noexcept {
    return file_.read_exact(offset, out).has_value();
}

Status MendedFile::write(std::uint64_t offset, std::span<const std::byte> bytes) {
    return write_fully(file_.descriptor_, offset, bytes, file_.path_);
}

Status MendedFile::finish(std::uint64_t size_bytes) {
    if (ftruncate(file_.descriptor_, static_cast<off_t>(size_bytes)) != 0) {
        return base::fail_errno(
            errno, base::join(file_.path_.string(), ": cannot make it ", size_bytes, " bytes"));
    }
    return file_.sync();
}

// Not by a loop over the iterator: to advance that throws.
Result<std::vector<std::filesystem::path>> list_folder(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> paths;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error))
        paths.push_back(entry->path());
    if (error) {
        return base::fail_errno(error.value(), base::join(folder.string(), ": cannot list"));
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

Status sync_folder(const std::filesystem::path& folder) {
    const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return base::fail_errno(errno, base::join(folder.string(), ": cannot open"));
    }
    const int failed = fsync(descriptor) != 0 ? errno : 0;
    close(descriptor);
    if (failed != 0) {
        return base::fail_errno(failed, base::join(folder.string(), ": cannot sync"));
    }
    return {};
}

Status write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
    TRACKWAY_TRY_ASSIGN(file, StagedFile::create(path));
    TRACKWAY_TRY(file.append(bytes));
    return file.publish();
}

Result<std::vector<std::byte>> read_file(const std::filesystem::path& path,
                                         std::uint64_t limit_bytes) {
    TRACKWAY_TRY_ASSIGN(file, File::open(path));
    if (file.size_bytes() > limit_bytes) {
        return base::fail(ErrorCode::kCorruption,
                          base::join(path.string(), ": expected at most ", limit_bytes,
                                     " bytes, found ", file.size_bytes()));
    }
    std::vector<std::byte> bytes(file.size_bytes());
    TRACKWAY_TRY(file.read_exact(0, bytes));
    return bytes;
}

}  // namespace trackway::io
