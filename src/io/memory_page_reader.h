// Page reads from memory, finished at once: for tests and for replaying searches while building.
#pragma once

#include "base/assert.h"
#include "io/page_reader.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace trackway::io {

class MemoryPageReader final : public PageReader {
public:
    // files[i] are the bytes of file i; they outlive the reader.
    MemoryPageReader(std::vector<std::span<const std::byte>> files, std::uint32_t page_size_bytes,
                     std::uint32_t depth)
        : files_(std::move(files)), page_size_(page_size_bytes), depth_(depth) {}

    void submit(std::span<PageRead* const> reads) override {
        TRACKWAY_ASSERT(reads.size() <= free_slots());
        for (PageRead* read : reads) {
            const auto file = files_[read->file];
            const std::uint64_t begin = std::min<std::uint64_t>(read->offset, file.size());
            const std::uint64_t size = std::min<std::uint64_t>(page_size_, file.size() - begin);
            if (size > 0) std::memcpy(read->buffer, file.data() + begin, size);
            read->result = static_cast<int>(size);
            pending_.push_back(read);
        }
    }

    std::span<PageRead* const> reap() override {
        finished_.clear();
        std::swap(finished_, pending_);
        return finished_;
    }

    std::size_t free_slots() const noexcept override { return depth_ - pending_.size(); }
    const char* engine() const noexcept override { return "memory"; }
    const std::string& description() const noexcept override { return description_; }

private:
    std::vector<std::span<const std::byte>> files_;
    std::uint32_t page_size_;
    std::uint32_t depth_;
    std::string description_ = "memory";
    std::vector<PageRead*> pending_;
    std::vector<PageRead*> finished_;
};

}  // namespace trackway::io
