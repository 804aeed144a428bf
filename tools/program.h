// What every program shares: parsing with JSON configuration, exit status, printing of errors,
// stopping on Ctrl-C, progress.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "command_line.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace trackway::tools {

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kWrongCommandLine = 2;

// Names of the contract's choices, for CLI::CheckedTransformer.
const std::map<std::string, Metric>& metric_names();
const std::map<std::string, PageOrder>& page_order_names();
const std::map<std::string, ElementType>& element_type_names();
const std::map<std::string, VectorEncoding>& encoding_names();

// Set by flags that every program has.
struct SharedFlags {
    bool quiet = false;
    std::string json;  // file of the machine-readable report; "-" is stdout
};

// One program: declares options on app(), then run()s.
class Program {
public:
    // `example` is a command line that --help ends with.
    Program(const std::string& name, const std::string& purpose, const std::string& example);

    CLI::App& app() noexcept { return app_; }
    const SharedFlags& flags() const noexcept { return flags_; }
    // --json FILE.
    void add_json_option();
    // The option names a file that is written: it must not be one that another option names, nor
    // lie in the index.
    void guard_output(const std::string& option) { outputs_.push_back(option); }

    // Parses, handles --help, --version, --config and --print-config, calls work, prints its error.
    // Returns the exit status. Ctrl-C, SIGTERM and SIGHUP request a stop; a second one kills.
    int run(int argc, char** argv, const std::function<Status(const std::stop_token&)>& work);

    // While true, Ctrl-C ends the program at once: for work that has written nothing and that no
    // stop token reaches.
    void set_may_leave(bool may_leave) noexcept { may_leave_ = may_leave; }

    // Writes the report where --json asks for it, whole or not at all.
    Status write_report(const std::string& text) const;

private:
    void add_general_options();
    // Parses; a status to exit with, or none where the work begins.
    std::optional<int> parse(int argc, char** argv);

    CLI::App app_;
    SharedFlags flags_;
    std::vector<std::string> outputs_;
    bool print_config_ = false;
    std::atomic<bool> may_leave_ = false;
};

// Writes a file as a whole or not at all, under a temporary name first. What is no regular file (a
// pipe, a device, a symbolic link) is written to, not replaced.
Status write_whole(const std::string& path, const std::string& bytes);

// Progress on stderr: a bar with rate and time left on a terminal, plain lines otherwise, nothing
// when quiet.
class Progress {
public:
    // Of the stages that are known before, each is shown with its number, "[3/12]".
    explicit Progress(bool quiet, std::vector<std::string> stages = {});
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress();  // a bar that stands unfinished gets the end of its line
    void show(std::string_view stage, std::uint64_t done, std::uint64_t total);

private:
    void show_bar(std::uint64_t done, std::uint64_t total) const;
    std::string numbered() const;  // the stage

    bool quiet_;
    bool terminal_;
    std::vector<std::string> stages_;
    std::uint64_t started_ns_;
    std::string stage_;
    bool finished_ = false;
    std::uint64_t stage_started_ns_ = 0;
    // Where the stage began to count: one that goes on has done much before it begins.
    std::uint64_t counted_from_ = 0;
    std::uint64_t counted_from_ns_ = 0;
    std::uint64_t shown_ns_ = 0;
};

}  // namespace trackway::tools
