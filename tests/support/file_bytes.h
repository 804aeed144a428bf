// Files written byte by byte, without the code under test.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trackway::test {

class FileBytes {
public:
    template <class T>
    FileBytes& add(T value) {
        std::byte raw[sizeof value];
        std::memcpy(raw, &value, sizeof value);
        return add_bytes(raw);
    }
    FileBytes& add_bytes(std::span<const std::byte> bytes) {
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    FileBytes& add_text(std::string_view text) { return add_bytes(std::as_bytes(std::span(text))); }
    FileBytes& add_zeros(std::size_t count) {
        bytes_.resize(bytes_.size() + count);
        return *this;
    }

    const std::vector<std::byte>& bytes() const { return bytes_; }
    std::filesystem::path save(const std::filesystem::path& path) const {
        std::filesystem::remove(path);  // cheaper than cutting an old file short
        std::ofstream file(path, std::ios::binary);
        const void* raw = bytes_.data();
        file.write(static_cast<const char*>(raw), static_cast<std::streamsize>(bytes_.size()));
        file.close();
        REQUIRE(!file.fail());
        return path;
    }

private:
    std::vector<std::byte> bytes_;
};

inline std::vector<std::byte> bytes_of_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    REQUIRE(file.good());
    FileBytes bytes;
    bytes.add_text(std::string(std::istreambuf_iterator<char>(file), {}));
    return bytes.bytes();
}

// The names in a folder, sorted.
inline std::vector<std::string> names_in(const std::filesystem::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace trackway::test
