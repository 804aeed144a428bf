// Page reads from memory that finish in a seeded random order, a few at a time, and fail on
// demand.
#pragma once

#include "base/assert.h"
#include "base/random.h"
#include "io/page_reader.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace trackway::test {

// What goes wrong with the read of one offset.
struct Fault {
    enum class Kind : std::uint8_t { kNone, kError, kShort, kFlippedBit, kWrongPage, kZeros };
    Kind kind = Kind::kNone;
    std::uint64_t offset = 0;
};

class FakePageReader final : public io::PageReader {
public:
    FakePageReader(std::span<const std::byte> file, const io::PageReaderSetup& setup,
                   std::uint64_t seed, Fault fault = {})
        : file_(file),
          page_size_(setup.page_size_bytes),
          depth_(setup.depth),
          random_(seed),
          fault_(fault) {}

    void submit(std::span<io::PageRead* const> reads) override {
        TRACKWAY_ASSERT(reads.size() <= free_slots());
        pending_.insert(pending_.end(), reads.begin(), reads.end());
        submitted_ += reads.size();
    }

    std::span<io::PageRead* const> reap() override {
        finished_.clear();
        if (pending_.empty()) return finished_;
        const std::uint64_t count = 1 + random_.below(pending_.size());
        for (std::uint64_t i = 0; i < count; ++i) {
            std::swap(pending_[random_.below(pending_.size())], pending_.back());
            complete(*pending_.back());
            finished_.push_back(pending_.back());
            pending_.pop_back();
        }
        return finished_;
    }

    std::size_t free_slots() const noexcept override { return depth_ - pending_.size(); }
    const char* engine() const noexcept override { return "fake"; }
    const std::string& description() const noexcept override { return description_; }
    std::size_t submitted() const noexcept { return submitted_; }

private:
    void complete(io::PageRead& read) {
        std::memcpy(read.buffer, file_.data() + read.offset, page_size_);
        read.result = static_cast<int>(page_size_);
        if (read.offset != fault_.offset) return;
        switch (fault_.kind) {
            case Fault::Kind::kNone:
                break;
            case Fault::Kind::kError:
                read.result = -5;
                break;
            case Fault::Kind::kShort:
                read.result = 512;
                break;
            case Fault::Kind::kFlippedBit:
                read.buffer[page_size_ / 2] ^= std::byte{4};
                break;
            case Fault::Kind::kWrongPage: {
                const std::uint64_t other = read.offset + 2 * page_size_ <= file_.size()
                                                ? read.offset + page_size_
                                                : read.offset - page_size_;
                std::memcpy(read.buffer, file_.data() + other, page_size_);
                break;
            }
            case Fault::Kind::kZeros:
                std::memset(read.buffer, 0, page_size_);
                break;
        }
    }

    std::span<const std::byte> file_;
    std::size_t page_size_;
    std::size_t depth_;
    base::Random random_;
    Fault fault_;
    std::string description_ = "fake";
    std::size_t submitted_ = 0;
    std::vector<io::PageRead*> pending_;
    std::vector<io::PageRead*> finished_;
};

}  // namespace trackway::test
