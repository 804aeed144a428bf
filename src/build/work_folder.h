// What the stages of an unfinished build have made: files in a folder beside the index to be, and a
// record of each stage that says from what it made them. A stage whose record stands, with the same
// key and whole files, need not run again.
#pragma once

#include "trackway/result.h"

#include "io/file.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trackway::builder {

// A hash of all that decides what a stage makes.
using StageKey = std::array<std::uint8_t, 16>;

// Of a text that names options, and of the stages before.
StageKey stage_key(std::string_view recipe, std::span<const StageKey> before);

// What a stage leaves behind: names of files in the folder, and numbers.
struct StageOutput {
    std::vector<std::string> files = {};
    std::vector<std::uint64_t> values = {};
};

// kCorruption when a record is not what this program writes: sound, but of other files or numbers.
Status check_output(bool is_sound, const std::filesystem::path& file);

// Its name in the folder of the index.
constexpr const char* kWorkName = "build.work";

// Removes a file of an index, or a folder that holds one, finished or not; what is not an index's
// stays, and the folder with it.
void remove_index(const std::filesystem::path& path) noexcept;

class WorkFolder {
public:
    // Creates the folder where there is none. A folder that no build has made is kInvalidArgument.
    static Result<WorkFolder> open(const std::filesystem::path& path);
    // kInvalidArgument where there is none.
    static Result<WorkFolder> open_existing(const std::filesystem::path& path);

    std::filesystem::path file(std::string_view name) const { return path_ / name; }
    // A whole file.
    Status write(std::string_view name, std::span<const std::byte> bytes) const;

    // Whether the stage finished with this key and its files are what it left; then output is that.
    Result<bool> find(std::string_view stage, const StageKey& key, StageOutput& output) const;
    // The same whatever the key is: it is given back.
    Result<std::optional<StageKey>> find_any(std::string_view stage, StageOutput& output) const;
    // Call when all files of the output have their names: from here on the stage is finished.
    Status finish(std::string_view stage, const StageKey& key, const StageOutput& output) const;
    // The stage has not finished, as far as this folder knows.
    void forget(std::string_view stage) const noexcept;
    // A folder that a stage made and that was moved out, to a name whose stem is the stage's, by a
    // build that did not come to its end. False where there is none to take back.
    bool take_back(const std::filesystem::path& folder) const noexcept;
    bool can_take_back(const std::filesystem::path& folder) const noexcept;
    // Removes all that stages made, and the folder unless something is left in it.
    void remove() const noexcept;
    // Removes what no finished stage made: the folder too, if none finished.
    void tidy() const noexcept;

private:
    explicit WorkFolder(std::filesystem::path path) : path_(std::move(path)) {}
    std::filesystem::path record_of(std::string_view stage) const;

    std::filesystem::path path_;
};

}  // namespace trackway::builder
