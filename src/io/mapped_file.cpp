#include "io/mapped_file.h"

#include "base/errors.h"
#include "io/file.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace trackway::io {

using base::fail_errno;
using base::join;

Result<MappedFile> MappedFile::open(const std::filesystem::path& path, bool writable,
                                    ResidentLimit& limit) {
    TRACKWAY_TRY_ASSIGN(file, File::open(path));
    MappedFile mapped;
    if (file.size_bytes() == 0) return mapped;
    int descriptor = file.descriptor();
    if (writable) {
        descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
        if (descriptor < 0) return fail_errno(errno, join(path.string(), ": cannot open to write"));
    }
    void* address = mmap(nullptr, file.size_bytes(), writable ? PROT_READ | PROT_WRITE : PROT_READ,
                         MAP_SHARED, descriptor, 0);
    const int failed = errno;
    if (writable) close(descriptor);
    if (address == MAP_FAILED) return fail_errno(failed, join(path.string(), ": cannot map"));
    // A row that is looked at must not bring 2 MiB with it. Where there are no huge pages there is
    // nothing to do.
    madvise(address, file.size_bytes(), MADV_NOHUGEPAGE);
    mapped.bytes_ = {static_cast<std::byte*>(address), file.size_bytes()};
    mapped.limit_ = &limit;
    limit.add(mapped.bytes_);
    return mapped;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})), limit_(std::exchange(other.limit_, nullptr)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(limit_, other.limit_);
    return *this;
}

MappedFile::~MappedFile() {
    if (bytes_.empty()) return;
    limit_->remove(bytes_);
    munmap(bytes_.data(), bytes_.size());
}

std::span<const std::uint32_t> MappedFile::numbers() const noexcept {
    const void* values = bytes_.data();
    return {static_cast<const std::uint32_t*>(values), bytes_.size() / sizeof(std::uint32_t)};
}

std::span<std::uint32_t> MappedFile::writable_numbers() noexcept {
    void* values = bytes_.data();
    return {static_cast<std::uint32_t*>(values), bytes_.size() / sizeof(std::uint32_t)};
}

}  // namespace trackway::io
