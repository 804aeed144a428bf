// A file of this program's own, seen as memory. Never one of the user's: what another program cuts
// short while it is mapped ends this one.
#pragma once

#include "trackway/result.h"

#include "io/resident_limit.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace trackway::io {

class MappedFile {
public:
    MappedFile() = default;
    // The whole file, to be read, and written where writable; the limit, which must outlive it,
    // gives back what is resident. An empty file is an empty span.
    static Result<MappedFile> open(const std::filesystem::path& path, bool writable,
                                   ResidentLimit& limit);
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    MappedFile(MappedFile&& other) noexcept;
    MappedFile& operator=(MappedFile&& other) noexcept;
    ~MappedFile();

    std::span<const std::byte> bytes() const noexcept { return bytes_; }
    // As many numbers as the file holds.
    std::span<const std::uint32_t> numbers() const noexcept;
    // REQUIRES: writable.
    std::span<std::uint32_t> writable_numbers() noexcept;

private:
    std::span<std::byte> bytes_;
    ResidentLimit* limit_ = nullptr;
};

}  // namespace trackway::io
