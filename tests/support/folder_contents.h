// The files of a folder, to compare one index with another.
#pragma once

#include "io/file.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace trackway::test {

using Contents = std::map<std::string, std::vector<std::byte>>;

// By name; not those in folders of the folder, where an unfinished build keeps its stages.
inline Contents contents(const std::filesystem::path& folder) {
    Contents files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (!entry.is_regular_file()) continue;
        auto bytes = io::read_file(entry.path(), 1U << 30U);
        REQUIRE(bytes);
        files[entry.path().filename().string()] = std::move(*bytes);
    }
    return files;
}

}  // namespace trackway::test
