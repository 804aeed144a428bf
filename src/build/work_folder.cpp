#include "build/work_folder.h"

#include "base/checksum.h"
#include "base/errors.h"
#include "layouts/file_names.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <sstream>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace trackway::builder {
namespace {

using base::fail_errno;
using base::join;
namespace fs = std::filesystem;

constexpr std::string_view kRecordSuffix = ".stage";
constexpr std::string_view kChecksumWord = "checksum ";
constexpr const char* kMarker = "trackway-build";
constexpr std::string_view kMarkerText = "What an unfinished build-index has made.\n";
constexpr std::string_view kWorkingFiles[] = {
    "vectors.given", "vectors.encoded", "rows",  "replicas", "edges", "edges-united",
    "codes",         "codec",           "trace", "order",    "router"};
constexpr std::uint64_t kRecordMax = std::uint64_t{16} << 20U;
constexpr std::uint64_t kReadBytes = std::uint64_t{4} << 20U;

Result<std::string> checksum_of(const fs::path& path) {
    TRACKWAY_TRY_ASSIGN(file, io::File::open(path));
    base::Checksum checksum;
    std::vector<std::byte> block(std::min(kReadBytes, file.size_bytes()));
    for (std::uint64_t at = 0; at < file.size_bytes(); at += block.size()) {
        const auto part =
            std::span(block).first(std::min<std::uint64_t>(block.size(), file.size_bytes() - at));
        TRACKWAY_TRY(file.read_exact(at, part));
        checksum.update(part);
    }
    return join(file.size_bytes(), " ", base::hex(checksum.digest64()));
}

std::string with_checksum(std::string text) {
    const std::string sum = base::hex(base::checksum64(std::as_bytes(std::span(text))));
    return text + std::string(kChecksumWord) + sum + "\n";
}

// The record of a stage whose files are as they stand.
Result<std::string> record_text(const WorkFolder& work, const StageKey& key,
                                const StageOutput& output) {
    std::string text = join("trackway stage 1\nkey ", layouts::uuid_text(key), "\n");
    for (const std::string& name : output.files) {
        TRACKWAY_TRY_ASSIGN(checksum, checksum_of(work.file(name)));
        text += join("file ", name, " ", checksum, "\n");
    }
    for (const std::uint64_t value : output.values)
        text += join("value ", value, "\n");
    return with_checksum(std::move(text));
}

// Nothing where it cannot be read or its own checksum is wrong.
std::optional<std::string> read_record(const fs::path& path) {
    const auto bytes = io::read_file(path, kRecordMax);
    if (!bytes) return std::nullopt;
    std::string text;
    for (const std::byte byte : *bytes)
        text += static_cast<char>(byte);
    const std::size_t at = text.rfind(kChecksumWord);
    if (at == std::string::npos || with_checksum(text.substr(0, at)) != text) return std::nullopt;
    return text;
}

// Names that stages give to what they make, finished or not.
bool is_working_file(std::string_view name) {
    if (name.ends_with(io::StagedFile::kSuffix)) {
        name.remove_suffix(std::string_view(io::StagedFile::kSuffix).size());
    }
    if (name.ends_with(kRecordSuffix)) return true;
    const std::size_t slash = name.find('/');
    if (slash != std::string_view::npos) {
        return layouts::is_numbered_shard_name(name.substr(0, slash)) &&
               layouts::is_index_file_name(name.substr(slash + 1));
    }
    return name.starts_with("graph-") || name.starts_with("members-") ||
           name.starts_with("queries-") ||
           std::find(std::begin(kWorkingFiles), std::end(kWorkingFiles), name) !=
               std::end(kWorkingFiles);
}

// To be removed: none where the folder cannot be listed.
std::vector<fs::path> files_of(const fs::path& folder) {
    auto files = io::list_folder(folder);
    return files ? std::move(*files) : std::vector<fs::path>();
}

bool holds_marker_alone(const fs::path& folder) {
    const auto files = io::list_folder(folder);
    return files && files->size() == 1 && files->front().filename() == kMarker;
}

std::optional<StageKey> key_in(const std::string& text) {
    constexpr std::string_view kBefore = "\nkey ";
    StageKey key{};
    const std::size_t at = text.find(kBefore);
    if (at == std::string::npos || text.size() < at + kBefore.size() + 2 * key.size()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < key.size(); ++i) {
        const char* digits = text.data() + at + kBefore.size() + 2 * i;
        if (std::from_chars(digits, digits + 2, key[i], 16).ptr != digits + 2) return std::nullopt;
    }
    return key;
}

StageOutput output_in(const std::string& text) {
    StageOutput output;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string kind;
        words >> kind;
        if (kind == "file") words >> output.files.emplace_back();
        if (kind == "value") words >> output.values.emplace_back();
    }
    return output;
}

// A record that is damaged or names files that differ is as good as none: then output stays.
bool take_output(const WorkFolder& work, const std::string& record, StageOutput& output) {
    const std::optional<StageKey> key = key_in(record);
    StageOutput found = output_in(record);
    if (!key || !std::all_of(found.files.begin(), found.files.end(), is_working_file)) return false;
    const auto whole = record_text(work, *key, found);
    if (!whole || *whole != record) return false;
    output = std::move(found);
    return true;
}

}  // namespace

StageKey stage_key(std::string_view recipe, std::span<const StageKey> before) {
    base::Checksum checksum;
    checksum.update(std::as_bytes(std::span(recipe)));
    for (const StageKey& key : before)
        checksum.update(std::as_bytes(std::span(key)));
    return checksum.digest128();
}

void remove_index(const fs::path& path) noexcept {
    std::error_code error;
    if (fs::is_directory(fs::symlink_status(path, error))) {
        if (const auto work = WorkFolder::open_existing(path / kWorkName)) work->remove();
        for (const fs::path& file : files_of(path))
            if (layouts::is_index_file_name(file.filename().string())) fs::remove(file, error);
    }
    fs::remove(path, error);
}

Status check_output(bool is_sound, const fs::path& file) {
    if (is_sound) return {};
    return base::fail(ErrorCode::kCorruption,
                      join(file.string(),
                           ": expected other sizes or numbers by the record of its "
                           "stage; remove the folder of the build and begin anew"));
}

Result<WorkFolder> WorkFolder::open(const fs::path& path) {
    const bool is_new = mkdir(path.c_str(), 0777) == 0;
    if (!is_new && errno != EEXIST) {
        return fail_errno(errno, join(path.string(), ": cannot create the folder of the build"));
    }
    TRACKWAY_TRY_ASSIGN(work, open_existing(path));
    std::error_code error;
    if (fs::exists(work.file(kMarker), error)) return work;
    const Status marked = io::write_file(work.file(kMarker), std::as_bytes(std::span(kMarkerText)));
    if (!marked && is_new) rmdir(path.c_str());
    TRACKWAY_TRY(marked);
    return work;
}

Result<WorkFolder> WorkFolder::open_existing(const fs::path& path) {
    WorkFolder work(path);
    std::error_code error;
    const bool is_folder = fs::is_directory(fs::symlink_status(path, error));
    if (is_folder && fs::is_regular_file(fs::symlink_status(work.file(kMarker), error)))
        return work;
    // One that was killed as it made the folder, or removed it, left no marker.
    if (is_folder) {
        TRACKWAY_TRY_ASSIGN(files, io::list_folder(path));
        const std::string staged = std::string(kMarker) + io::StagedFile::kSuffix;
        if (std::all_of(files.begin(), files.end(),
                        [&](const fs::path& file) { return file.filename() == staged; }))
            return work;
    }
    return base::fail(
        ErrorCode::kInvalidArgument,
        join(path.string(), ": expected the folder of an unfinished build, with a file ", kMarker));
}

Status WorkFolder::write(std::string_view name, std::span<const std::byte> bytes) const {
    TRACKWAY_TRY_ASSIGN(staged, io::StagedFile::create(file(name)));
    TRACKWAY_TRY(staged.append(bytes));
    return staged.name();
}

fs::path WorkFolder::record_of(std::string_view stage) const {
    return path_ / join(stage, kRecordSuffix);
}

Result<bool> WorkFolder::find(std::string_view stage, const StageKey& key,
                              StageOutput& output) const {
    const std::optional<std::string> record = read_record(record_of(stage));
    // The key first: files are not read in vain.
    return record && key_in(*record) == key && take_output(*this, *record, output);
}

Result<std::optional<StageKey>> WorkFolder::find_any(std::string_view stage,
                                                     StageOutput& output) const {
    const std::optional<std::string> record = read_record(record_of(stage));
    if (!record || !take_output(*this, *record, output)) return std::nullopt;
    return key_in(*record);
}

Status WorkFolder::finish(std::string_view stage, const StageKey& key,
                          const StageOutput& output) const {
    TRACKWAY_TRY_ASSIGN(text, record_text(*this, key, output));
    return io::write_file(record_of(stage), std::as_bytes(std::span(text)));
}

void WorkFolder::forget(std::string_view stage) const noexcept {
    std::error_code ignored;
    fs::remove(record_of(stage), ignored);
}

bool WorkFolder::can_take_back(const fs::path& folder) const noexcept {
    const std::string stage = folder.stem().string();
    std::error_code error;
    return fs::exists(record_of(stage), error) && !fs::exists(file(stage), error);
}

bool WorkFolder::take_back(const fs::path& folder) const noexcept {
    if (!can_take_back(folder)) return false;
    const std::string stage = folder.stem().string();
    std::error_code error;
    fs::rename(folder, file(stage), error);
    return !error;
}

void WorkFolder::remove() const noexcept {
    std::error_code error;
    for (const fs::path& path : files_of(path_)) {
        const std::string name = path.filename().string();
        if (is_working_file(name)) fs::remove(path, error);
        if (layouts::is_numbered_shard_name(name)) remove_index(path);
    }
    if (!holds_marker_alone(path_)) return;  // what is left in it stays ours
    fs::remove(path_ / kMarker, error);
    fs::remove(path_, error);
}

void WorkFolder::tidy() const noexcept {
    std::error_code error;
    std::vector<std::string> kept;
    const std::vector<fs::path> all = files_of(path_);
    for (const fs::path& path : all) {
        if (path.extension() != kRecordSuffix) continue;
        const auto text = read_record(path);
        if (!text) continue;
        kept.push_back(path.filename().string());
        for (std::string& name : output_in(*text).files)
            kept.push_back(std::move(name));
    }
    if (kept.empty()) return remove();
    for (const fs::path& path : all) {
        const std::string name = path.filename().string();
        const bool wanted = std::find(kept.begin(), kept.end(), name) != kept.end();
        if (is_working_file(name) && !wanted) fs::remove(path, error);
    }
}

}  // namespace trackway::builder
