// Everything that can go wrong with one place of an index's files: listed, done, undone.
#pragma once

#include "io/file.h"
#include "support/temp_folder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace trackway::test {

enum class FaultKind : std::uint8_t {
    kFlippedBit,
    kTruncated,
    kLengthened,
    kZeroedPage,
    kSwappedPages,
    kForeignPage,  // of another index, from the same place
    kForeignFile,  // the whole file, of another index of this kind or of any other
    kMissingFile,
    kExtraFile,
};
inline constexpr std::array kFaultKinds = {
    FaultKind::kFlippedBit,  FaultKind::kTruncated,    FaultKind::kLengthened,
    FaultKind::kZeroedPage,  FaultKind::kSwappedPages, FaultKind::kForeignPage,
    FaultKind::kForeignFile, FaultKind::kMissingFile,  FaultKind::kExtraFile};

inline const char* name_of(FaultKind kind) {
    constexpr std::array kNames = {
        "bit flipped",           "file cut short", "bytes appended",
        "page zeroed",           "pages swapped",  "page of another index",
        "file of another index", "file missing",   "file too many"};
    return kNames[static_cast<std::size_t>(kind)];
}

struct SingleFault {
    FaultKind kind = FaultKind::kFlippedBit;
    std::size_t file = 0;
    std::uint64_t at = 0;  // bit, length, page or number, as the kind has it
};

// All files of an index, in its folder and those of its shards, kept in memory to be restored.
class FaultyFiles {
public:
    static constexpr std::uint64_t kPage = 4096;

    // foreign: an index whose files have the same names but for the uuid. others: indexes of any
    // kind.
    FaultyFiles(std::filesystem::path folder, const std::filesystem::path& foreign,
                std::span<const std::filesystem::path> others)
        : folder_(std::move(folder)), files_(files_in(folder_)), foreign_(files_in(foreign)) {
        for (const std::filesystem::path& other : others)
            for (File& file : files_in(other))
                others_.push_back(std::move(file));
        for (std::size_t file = 0; file < files_.size(); ++file)
            list_files_and_pages(file);
        few_ = count_;
        for (std::size_t file = 0; file < files_.size(); ++file)
            list_bits_and_lengths(file);
    }

    const std::filesystem::path& folder() const { return folder_; }
    std::uint64_t size() const { return count_; }
    // The first so many of all faults are of whole files and pages; the others of bits and lengths.
    std::uint64_t few() const { return few_; }

    SingleFault at(std::uint64_t number) const {
        for (const Range& range : ranges_) {
            if (number < range.count) return {range.kind, range.file, range.first + number};
            number -= range.count;
        }
        FAIL("no such fault");
        return {};
    }

    std::string describe(const SingleFault& fault) const {
        return files_[fault.file].path.string() + ": " + name_of(fault.kind) + " at " +
               std::to_string(fault.at);
    }

    void apply(const SingleFault& fault) {
        const File& file = files_[fault.file];
        switch (fault.kind) {
            case FaultKind::kFlippedBit: {
                const std::byte flipped =
                    file.bytes[fault.at / 8] ^ static_cast<std::byte>(1U << (fault.at % 8));
                return write(file.path, fault.at / 8, {&flipped, 1});
            }
            case FaultKind::kTruncated:
                return std::filesystem::resize_file(file.path, fault.at);
            case FaultKind::kLengthened:
                return std::filesystem::resize_file(file.path, file.bytes.size() + fault.at);
            case FaultKind::kZeroedPage: {
                const std::array<std::byte, kPage> zeros{};
                return write(file.path, fault.at * kPage,
                             std::span(zeros).first(page(file, fault.at).size()));
            }
            case FaultKind::kSwappedPages:
                write(file.path, fault.at * kPage, page(file, fault.at + 1));
                return write(file.path, (fault.at + 1) * kPage, page(file, fault.at));
            case FaultKind::kForeignPage:
                return write(file.path, fault.at * kPage, page(twin_of(file), fault.at));
            case FaultKind::kForeignFile:
                std::filesystem::remove(file.path);
                return write(file.path, 0,
                             fault.at == 0 ? twin_of(file).bytes : others_[fault.at - 1].bytes);
            case FaultKind::kMissingFile:
                std::filesystem::remove(file.path);
                return;
            case FaultKind::kExtraFile:
                return write(extra(fault), 0, file.bytes);
        }
    }

    // The fault puts another index's manifest in the place of this one's: a page of it does where
    // both have the same length, else it leaves a damaged one.
    bool is_other_index(const SingleFault& fault) const {
        if (files_[fault.file].path.extension() != ".json") return false;
        if (fault.kind == FaultKind::kForeignFile) return true;
        return fault.kind == FaultKind::kForeignPage &&
               foreign_[fault.file].bytes.size() == files_[fault.file].bytes.size() &&
               files_[fault.file].bytes.size() <= kPage;
    }

    // Every file is as it was.
    bool is_whole() const {
        return std::all_of(files_.begin(), files_.end(), [](const File& file) {
            const auto bytes = io::read_file(file.path, UINT64_MAX);
            return bytes && *bytes == file.bytes;
        });
    }

    void undo(const SingleFault& fault) const {
        const File& file = files_[fault.file];
        if (fault.kind == FaultKind::kExtraFile) {
            std::filesystem::remove(extra(fault));
        } else if (fault.kind == FaultKind::kFlippedBit) {
            write(file.path, fault.at / 8, std::span(file.bytes).subspan(fault.at / 8, 1));
        } else {
            write(file.path, 0, file.bytes);
            std::filesystem::resize_file(file.path, file.bytes.size());
        }
    }

private:
    struct File {
        std::filesystem::path path;
        std::vector<std::byte> bytes;
    };
    struct Range {
        FaultKind kind;
        std::size_t file;
        std::uint64_t first, count;
    };

    static std::vector<File> files_in(const std::filesystem::path& folder) {
        std::vector<File> files;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
            if (!entry.is_regular_file()) continue;
            auto bytes = io::read_file(entry.path(), 1U << 30U);
            REQUIRE(bytes);
            files.push_back({entry.path(), std::move(*bytes)});
        }
        std::sort(files.begin(), files.end(),
                  [](const File& a, const File& b) { return a.path < b.path; });
        return files;
    }

    // Names differ in the uuid alone, so both lists are in the same order.
    const File& twin_of(const File& file) const {
        return foreign_[static_cast<std::size_t>(&file - files_.data())];
    }

    static std::span<const std::byte> page(const File& file, std::uint64_t number) {
        const std::size_t begin = std::min<std::size_t>(number * kPage, file.bytes.size());
        return std::span(file.bytes)
            .subspan(begin, std::min<std::size_t>(kPage, file.bytes.size() - begin));
    }

    std::filesystem::path extra(const SingleFault& fault) const {
        const std::filesystem::path& path = files_[fault.file].path;
        const std::array<std::string, 3> names = {path.filename().string() + ".partial",
                                                  "shard-0009.0123456789abcdef.pages", "notes"};
        return path.parent_path() / names[fault.at];
    }

    static void write(const std::filesystem::path& path, std::uint64_t offset,
                      std::span<const std::byte> bytes) {
        if (!std::filesystem::exists(path)) std::ofstream(path, std::ios::binary).flush();
        std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
        file.seekp(static_cast<std::streamoff>(offset));
        const void* raw = bytes.data();
        file.write(static_cast<const char*>(raw), static_cast<std::streamsize>(bytes.size()));
        file.close();
        REQUIRE(!file.fail());
    }

    void add(FaultKind kind, std::size_t file, std::uint64_t first, std::uint64_t count) {
        if (count == 0) return;
        ranges_.push_back({kind, file, first, count});
        count_ += count;
    }

    void list_files_and_pages(std::size_t number) {
        const File& file = files_[number];
        add(FaultKind::kForeignFile, number, 0, 1);
        for (std::size_t other = 0; other < others_.size(); ++other)
            if (others_[other].path.extension() == file.path.extension())
                add(FaultKind::kForeignFile, number, other + 1, 1);
        add(FaultKind::kMissingFile, number, 0, 1);
        add(FaultKind::kExtraFile, number, 0, 3);
        for (const std::uint64_t more : {1U, 512U, 4096U, 65536U})
            add(FaultKind::kLengthened, number, more, 1);
        for (std::uint64_t p = 0; p * kPage < file.bytes.size(); ++p) {
            if (!is_zero(page(file, p))) add(FaultKind::kZeroedPage, number, p, 1);
            if (page(file, p + 1).size() == kPage && !is_same(page(file, p), page(file, p + 1)))
                add(FaultKind::kSwappedPages, number, p, 1);
            const auto other = page(twin_of(file), p);
            if (!other.empty() && !is_same(page(file, p), other))
                add(FaultKind::kForeignPage, number, p, 1);
        }
    }

    // Every bit; every 512 bytes and every byte of the last page.
    void list_bits_and_lengths(std::size_t number) {
        const std::uint64_t bytes = files_[number].bytes.size();
        add(FaultKind::kFlippedBit, number, 0, bytes * 8);
        const std::uint64_t last = bytes > kPage ? bytes - kPage : 0;
        for (std::uint64_t length = 0; length < last; length += 512)
            add(FaultKind::kTruncated, number, length, 1);
        add(FaultKind::kTruncated, number, last, bytes - last);
    }

    static bool is_zero(std::span<const std::byte> bytes) {
        return std::all_of(bytes.begin(), bytes.end(),
                           [](std::byte byte) { return byte == std::byte{0}; });
    }
    static bool is_same(std::span<const std::byte> a, std::span<const std::byte> b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end());
    }

    std::filesystem::path folder_;
    std::vector<File> files_;
    std::vector<File> foreign_;
    std::vector<File> others_;
    std::vector<Range> ranges_;
    std::uint64_t count_ = 0;
    std::uint64_t few_ = 0;
};

}  // namespace trackway::test
