// Owning bytes at a page-aligned (or coarser) address, zeroed: for direct I/O and SIMD.
#pragma once

#include "base/assert.h"

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>

namespace trackway::base {

class AlignedBuffer {
public:
    static constexpr std::size_t kAlignment = 4096;

    AlignedBuffer() = default;
    // Throws std::bad_alloc when the memory is not there: callers check sizes against the input and
    // the budget first.
    explicit AlignedBuffer(std::size_t size_bytes) : size_(size_bytes) {
        if (size_bytes == 0) return;
        const std::size_t rounded = (size_bytes + kAlignment - 1) / kAlignment * kAlignment;
        bytes_.reset(
            static_cast<std::byte*>(::operator new (rounded, std::align_val_t{kAlignment})));
        std::memset(bytes_.get(), 0, rounded);
    }

    std::byte* data() noexcept { return bytes_.get(); }
    const std::byte* data() const noexcept { return bytes_.get(); }
    std::size_t size() const noexcept { return size_; }
    std::span<std::byte> span() noexcept { return {bytes_.get(), size_}; }
    std::span<const std::byte> span() const noexcept { return {bytes_.get(), size_}; }

private:
    struct Free {
        void operator()(std::byte* bytes) const noexcept {
            ::operator delete (bytes, std::align_val_t{kAlignment});
        }
    };
    std::unique_ptr<std::byte, Free> bytes_;
    std::size_t size_ = 0;
};

}  // namespace trackway::base
