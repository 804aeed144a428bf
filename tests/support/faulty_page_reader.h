// Page reads of another reader that come back in a seeded random order, late, and wrong on demand.
#pragma once

#include "base/assert.h"
#include "base/random.h"
#include "io/page_reader.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace trackway::test {

enum class ReadFault : std::uint8_t {
    kNone,
    kError,
    kShort,
    kFlippedBit,
    kTorn,  // the end of the page is zero, from a sector on
    kZeros,
    kWrongPage,  // another page of the index, or one bit flipped before there was another
    kStalePage,  // of another index, from the same place
};
inline constexpr std::array kReadFaults = {
    ReadFault::kError, ReadFault::kShort,     ReadFault::kFlippedBit, ReadFault::kTorn,
    ReadFault::kZeros, ReadFault::kWrongPage, ReadFault::kStalePage};

inline const char* name_of(ReadFault fault) {
    constexpr std::array kNames = {
        "none",       "read: EIO",   "read: short",      "read: bit flipped",
        "read: torn", "read: zeros", "read: wrong page", "read: page of another index"};
    return kNames[static_cast<std::size_t>(fault)];
}

class FaultyPageReader final : public io::PageReader {
public:
    // What a read that has come back suffers.
    using Choose = std::function<ReadFault(const io::PageRead&, base::Random&)>;

    // foreign: files of another index, as many as the inner reader has; empty: no stale pages.
    FaultyPageReader(std::unique_ptr<io::PageReader> inner, const io::PageReaderSetup& setup,
                     std::uint64_t seed, Choose choose = {},
                     std::vector<std::span<const std::byte>> foreign = {})
        : inner_(std::move(inner)),
          page_size_(setup.page_size_bytes),
          depth_(setup.depth),
          random_(seed),
          choose_(std::move(choose)),
          foreign_(std::move(foreign)),
          other_page_(page_size_) {}

    void submit(std::span<io::PageRead* const> reads) override {
        TRACKWAY_ASSERT(reads.size() <= free_slots());
        inner_->submit(reads);
        in_flight_ += reads.size();
    }

    std::span<io::PageRead* const> reap() override {
        finished_.clear();
        if (in_flight_ == 0) return finished_;
        if (held_.empty() || (held_.size() < in_flight_ && random_.below(2) == 0)) {
            const auto arrived = inner_->reap();
            held_.insert(held_.end(), arrived.begin(), arrived.end());
        }
        const std::uint64_t count = 1 + random_.below(held_.size());
        for (std::uint64_t i = 0; i < count; ++i) {
            std::swap(held_[random_.below(held_.size())], held_.back());
            io::PageRead& read = *held_.back();
            if (choose_ && read.result == static_cast<int>(page_size_))
                spoil(read, choose_(read, random_));
            finished_.push_back(&read);
            held_.pop_back();
        }
        in_flight_ -= count;
        return finished_;
    }

    std::size_t free_slots() const noexcept override { return depth_ - in_flight_; }
    const char* engine() const noexcept override { return inner_->engine(); }
    const std::string& description() const noexcept override { return inner_->description(); }

private:
    void spoil(io::PageRead& read, ReadFault fault) {
        const std::span<std::byte> page(read.buffer, page_size_);
        switch (fault) {
            case ReadFault::kNone:
                return remember(read);
            case ReadFault::kError:
                read.result = -EIO;
                return;
            case ReadFault::kShort:
                read.result = static_cast<int>(random_.below(page_size_));
                return;
            case ReadFault::kFlippedBit:
                return flip(page);
            case ReadFault::kTorn: {
                const std::size_t kept = kSector * random_.below(page_size_ / kSector);
                std::memset(page.data() + kept, 0, page_size_ - kept);
                return;
            }
            case ReadFault::kZeros:
                std::memset(page.data(), 0, page_size_);
                return;
            case ReadFault::kWrongPage:
                if (other_file_ == kNone || (other_file_ == read.file && other_at_ == read.offset))
                    return flip(page);
                std::memcpy(page.data(), other_page_.data(), page_size_);
                return;
            case ReadFault::kStalePage:
                TRACKWAY_ASSERT(read.file < foreign_.size());
                if (read.offset + page_size_ > foreign_[read.file].size()) return flip(page);
                std::memcpy(page.data(), foreign_[read.file].data() + read.offset, page_size_);
                return;
        }
    }

    void flip(std::span<std::byte> page) {
        page[random_.below(page.size())] ^= static_cast<std::byte>(1U << random_.below(8));
    }

    void remember(const io::PageRead& read) {
        std::memcpy(other_page_.data(), read.buffer, page_size_);
        other_file_ = read.file;
        other_at_ = read.offset;
    }

    static constexpr std::uint32_t kNone = UINT32_MAX;
    static constexpr std::size_t kSector = 512;

    std::unique_ptr<io::PageReader> inner_;
    std::size_t page_size_;
    std::size_t depth_;
    base::Random random_;
    Choose choose_;
    std::vector<std::span<const std::byte>> foreign_;
    std::vector<std::byte> other_page_;
    std::uint32_t other_file_ = kNone;
    std::uint64_t other_at_ = 0;
    std::size_t in_flight_ = 0;
    std::vector<io::PageRead*> held_;  // have arrived, are not yet told
    std::vector<io::PageRead*> finished_;
};

}  // namespace trackway::test
