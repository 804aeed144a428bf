#include "program.h"

#include "trackway/version.h"

#include "base/errors.h"
#include "base/stopwatch.h"
#include "json_config.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <iostream>
#include <new>
#include <pthread.h>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace trackway::tools {
namespace {

// Waits for SIGINT, SIGTERM or SIGHUP on a thread of its own, so that no handler has to be
// async-signal-safe. The second signal ends the program at once.
class StopOnSignal {
public:
    explicit StopOnSignal(const std::atomic<bool>& may_leave) : may_leave_(may_leave) {
        sigemptyset(&signals_);
        for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
            struct sigaction before {};
            sigaction(signal, nullptr, &before);
            // nohup asks for signals that stay ignored; a blocked one would not.
            if (before.sa_handler != SIG_IGN) sigaddset(&signals_, signal);
        }
        sigaddset(&signals_, SIGUSR1);  // the end of the program's work
        pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
        std::signal(SIGXFSZ, SIG_IGN);  // a file beyond its limit is an error of the write
        waiter_ = std::thread([this] { wait(); });
    }
    StopOnSignal(const StopOnSignal&) = delete;
    StopOnSignal& operator=(const StopOnSignal&) = delete;
    ~StopOnSignal() {
        pthread_kill(waiter_.native_handle(), SIGUSR1);
        waiter_.join();
    }

    std::stop_token token() const noexcept { return stop_.get_token(); }

private:
    void wait() {
        for (;;) {
            int signal = 0;
            if (sigwait(&signals_, &signal) != 0) continue;
            if (signal == SIGUSR1) return;
            if (may_leave_ || stop_.stop_requested()) {
                const std::string_view message = may_leave_
                                                     ? "stopped; nothing was written\n"
                                                     : "killed; unfinished files may remain\n";
                [[maybe_unused]] const auto written =
                    write(STDERR_FILENO, message.data(), message.size());
                std::_Exit(kFailed);
            }
            stop_.request_stop();
        }
    }

    const std::atomic<bool>& may_leave_;
    sigset_t signals_{};
    std::stop_source stop_;
    std::thread waiter_;
};

// The key of a configuration that no option has, of the error that says so; otherwise nothing.
std::string key_not_known(const CLI::ParseError& error) {
    constexpr std::string_view kBefore = "INI was not able to parse ";
    const std::string message = error.what();
    return message.starts_with(kBefore) ? message.substr(kBefore.size()) : std::string();
}

// "Could not convert: --k = x", in the words of other errors.
std::string readable(const CLI::ParseError& error) {
    constexpr std::string_view kBefore = "Could not convert: ";
    const std::string message = error.what();
    const std::size_t equals = message.find(" = ");
    if (!message.starts_with(kBefore) || equals == std::string::npos) return message;
    return message.substr(kBefore.size(), equals - kBefore.size()) + ": expected a number, found " +
           message.substr(equals + 3);
}

// Opening a FIFO would wait for ever.
std::string not_a_regular_file(const std::string& path) {
    std::error_code ignored;  // a loop of links, too long a name
    const bool is_file = std::filesystem::is_regular_file(path, ignored);
    return is_file ? "" : path + ": expected a regular file";
}

// Whether two names lead to one file, which need not be there yet.
bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
    std::error_code ignored;
    if (std::filesystem::equivalent(a, b, ignored)) return true;
    return std::filesystem::weakly_canonical(a, ignored) ==
           std::filesystem::weakly_canonical(b, ignored);
}

bool lies_within(std::filesystem::path file, const std::filesystem::path& folder) {
    std::error_code ignored;
    file = std::filesystem::weakly_canonical(file, ignored);
    for (; file.has_relative_path(); file = file.parent_path()) {
        if (std::filesystem::equivalent(file, folder, ignored)) return true;
    }
    return false;
}

// What no work should begin with: an output that would take the place of another file or lie in an
// index, or of which it is known now that it cannot be written.
Status check_output(const CLI::App& app, const std::string& name) {
    namespace fs = std::filesystem;
    const CLI::Option* output = app.get_option(name);
    if (output->count() == 0) return {};
    const std::string path = output->results().front();
    if (path.empty() || path == "-") return {};
    for (const CLI::Option* option : app.get_options()) {
        if (option == output) continue;
        const std::string type = option->get_type_name();
        if (type != "FILE" && type != "DIR") continue;
        for (const std::string& text : option->results()) {
            const bool is_within = type == "DIR" && lies_within(path, text);
            if (!is_within && !is_same_file(text, path)) continue;
            return base::fail(ErrorCode::kInvalidArgument,
                              name + " " + path + ": would replace what " + option->get_name() +
                                  " names, or a part of it");
        }
    }
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) return base::fail_errno(EISDIR, path + ": cannot write");
    if (fs::exists(path, ignored) && !fs::is_regular_file(path, ignored)) return {};
    const fs::path folder = fs::absolute(path, ignored).parent_path();
    if (access(folder.c_str(), W_OK | X_OK) == 0) return {};
    return base::fail_errno(errno, path + ": cannot write");
}

// Where one is closed, the next file that is opened would take its number, and what is printed
// would go into it.
void open_standard_files() {
    for (int number = 0; number <= STDERR_FILENO; ++number) {
        if (fcntl(number, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) return;
    }
}

// A disk or a pipe that did not take all that was printed.
Status check_stdout() {
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.flush()) return {};
    return base::fail_errno(errno, "stdout: cannot write");
}

}  // namespace

const std::map<std::string, Metric>& metric_names() {
    static const std::map<std::string, Metric> names = {
        {name_of(Metric::kL2), Metric::kL2},
        {name_of(Metric::kInnerProduct), Metric::kInnerProduct},
        {name_of(Metric::kCosine), Metric::kCosine}};
    return names;
}

const std::map<std::string, PageOrder>& page_order_names() {
    static const std::map<std::string, PageOrder> names = {
        {name_of(PageOrder::kInsertion), PageOrder::kInsertion},
        {name_of(PageOrder::kBreadthFirst), PageOrder::kBreadthFirst},
        {name_of(PageOrder::kCovisit), PageOrder::kCovisit},
        {name_of(PageOrder::kAffinity), PageOrder::kAffinity}};
    return names;
}

const std::map<std::string, ElementType>& element_type_names() {
    static const std::map<std::string, ElementType> names = {
        {name_of(ElementType::kFloat32), ElementType::kFloat32},
        {name_of(ElementType::kFloat16), ElementType::kFloat16},
        {name_of(ElementType::kUint8), ElementType::kUint8},
        {name_of(ElementType::kInt8), ElementType::kInt8}};
    return names;
}

const std::map<std::string, VectorEncoding>& encoding_names() {
    static const std::map<std::string, VectorEncoding> names = {
        {name_of(VectorEncoding::kAsGiven), VectorEncoding::kAsGiven},
        {name_of(VectorEncoding::kFloat16), VectorEncoding::kFloat16},
        {name_of(VectorEncoding::kSq8), VectorEncoding::kSq8}};
    return names;
}

Program::Program(const std::string& name, const std::string& purpose, const std::string& example)
    : app_(purpose, name) {
    app_.set_help_flag("");  // general options come last
    app_.formatter(help_formatter());
    app_.footer("Example:\n  " + example);
    app_.config_formatter(std::make_shared<JsonConfig>());
    app_.allow_config_extras(CLI::config_extras_mode::error);
    app_.option_defaults()->always_capture_default();
}

void Program::add_json_option() {
    app_.add_option("--json", flags_.json, "write the report as JSON; - is stdout")
        ->type_name("FILE");
    guard_output("--json");
}

void Program::add_general_options() {
    app_.option_defaults()->group("General");
    app_.set_config("--config", "", "JSON file of options by their long names; flags win")
        ->check(not_a_regular_file)
        ->type_name("FILE");
    app_.add_flag("--print-config", print_config_, "print the options as JSON and stop")
        ->configurable(false);
    app_.add_flag("--quiet", flags_.quiet, "no progress on stderr");
    app_.set_version_flag("--version", std::string("trackway ") + kVersion,
                          "print the version and stop");
    app_.set_help_flag("-h,--help", "print this and stop");
}

std::optional<int> Program::parse(int argc, char** argv) {
    try {
        const std::string unknown = unknown_option(app_, argc, argv);
        if (!unknown.empty()) throw CLI::ValidationError(unknown);
        app_.parse(argc, argv);
        const std::string wrong = wrong_value(app_);
        if (!wrong.empty()) throw CLI::ValidationError(wrong);
        return std::nullopt;
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) {
            app_.exit(error);
            return kDone;
        }
        const CLI::Option* config = app_.get_config_ptr();
        std::string message = readable(error);
        if (const std::string key = key_not_known(error); !key.empty()) {
            message = key + ": no option of " + app_.get_name();
            std::string name = key;
            std::replace(name.begin(), name.end(), '_', '-');
            message += nearest_option(app_, name);
        }
        if (config->count() > 0) message.insert(0, "with --config " + config->results()[0] + ": ");
        std::cerr << app_.get_name() << ": " << message << "\nRun with --help for more.\n";
        return kWrongCommandLine;
    }
}

int Program::run(int argc, char** argv, const std::function<Status(const std::stop_token&)>& work) {
    open_standard_files();
    add_general_options();
    if (const auto status = parse(argc, argv)) return *status;
    if (print_config_) {
        std::cout << app_.config_to_str(true, false) << std::flush;
        return std::cout ? kDone : kFailed;
    }
    Status status;
    try {
        const StopOnSignal stop(may_leave_);
        for (const std::string& output : outputs_)
            if (status) status = check_output(app_, output);
        if (status) status = work(stop.token());
        if (status) status = check_stdout();
    } catch (const std::bad_alloc&) {
        status = tl::unexpected(Error{ErrorCode::kOutOfMemory, "out of memory"});
    } catch (const std::system_error& error) {  // a thread that cannot be started
        status = tl::unexpected(
            Error{ErrorCode::kOutOfMemory, std::string("cannot start a thread: ") + error.what()});
    }
    if (status) return kDone;
    const Error& error = status.error();
    const CLI::Option* option = option_named_by(app_, error.message);
    const std::string what =
        option == nullptr ? error.message : error.message.substr(error.message.find(':'));
    const std::string name = option == nullptr ? "" : option->get_name();
    std::cerr << app_.get_name() << ": " << name << what << '\n';
    // A value that the option cannot have; not what came of one that it may.
    const bool is_usage = option != nullptr && what.starts_with(": expected") &&
                          error.code == ErrorCode::kInvalidArgument;
    return is_usage ? kWrongCommandLine : kFailed;
}

Status Program::write_report(const std::string& text) const {
    if (flags_.json.empty()) return {};
    if (flags_.json != "-") return write_whole(flags_.json, text);
    std::cout << text << std::flush;
    if (std::cout) return {};
    return base::fail_errno(errno, "stdout: cannot write the report");
}

Status write_whole(const std::string& path, const std::string& bytes) {
    const auto failed = [&] { return base::fail_errno(errno, path + ": cannot write"); };
    std::error_code ignored;
    const bool replace = !std::filesystem::exists(path, ignored) ||
                         (std::filesystem::is_regular_file(path, ignored) &&
                          !std::filesystem::is_symlink(path, ignored));
    // A name that nobody else has.
    std::string staged = replace ? path + ".XXXXXX" : path;
    const int file = replace ? mkostemp(staged.data(), O_CLOEXEC)
                             : open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (file < 0) return failed();
    Status status;
    for (std::size_t at = 0; status && at < bytes.size();) {
        const ssize_t written = write(file, bytes.data() + at, bytes.size() - at);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) status = failed();
        if (written > 0) at += static_cast<std::size_t>(written);
    }
    if (status && replace) {
        const mode_t mask = umask(0);
        umask(mask);
        if (fchmod(file, 0666 & ~mask) != 0 || fsync(file) != 0) status = failed();
    }
    if (close(file) != 0 && status) status = failed();
    if (status && replace && std::rename(staged.c_str(), path.c_str()) != 0) status = failed();
    if (!status && replace) std::remove(staged.c_str());
    return status;
}

Progress::~Progress() {
    if (terminal_ && !quiet_ && shown_ns_ != 0 && !finished_) std::fputc('\n', stderr);
}

Progress::Progress(bool quiet, std::vector<std::string> stages)
    : quiet_(quiet),
      terminal_(isatty(STDERR_FILENO) == 1),
      stages_(std::move(stages)),
      started_ns_(base::now_ns()) {}

std::string Progress::numbered() const {
    const auto at = std::find(stages_.begin(), stages_.end(), stage_);
    if (at == stages_.end()) return stage_;
    std::array<char, 32> number{};
    std::snprintf(number.data(), number.size(), "[%2td/%zu] ", at - stages_.begin() + 1,
                  stages_.size());
    return number.data() + stage_;
}

void Progress::show(std::string_view stage, std::uint64_t done, std::uint64_t total) {
    constexpr std::uint64_t kBarStepNs = 100'000'000;
    if (quiet_) return;
    const std::uint64_t now = base::now_ns();
    if (stage == stage_ && finished_) return;
    finished_ = done == total;
    if (stage != stage_) {
        stage_ = stage;
        stage_started_ns_ = now;
        shown_ns_ = 0;
        counted_from_ns_ = 0;
    }
    if (done > 0 && counted_from_ns_ == 0) {
        counted_from_ = done;
        counted_from_ns_ = now;
    }
    if (terminal_ && done < total) {
        if (now - shown_ns_ >= kBarStepNs) show_bar(done, total);
        if (now - shown_ns_ >= kBarStepNs) shown_ns_ = now;
        return;
    }
    if (done < total) return;
    std::fprintf(stderr, "%s%-16s %9.2f s\n", terminal_ ? "\r\033[K" : "", numbered().c_str(),
                 static_cast<double>(now - stage_started_ns_) * 1e-9);
}

void Progress::show_bar(std::uint64_t done, std::uint64_t total) const {
    constexpr int kWidth = 30;
    const double share = static_cast<double>(done) / static_cast<double>(total);
    const double elapsed = static_cast<double>(base::now_ns() - counted_from_ns_) * 1e-9;
    const auto counted = static_cast<double>(done - std::min(done, counted_from_));
    const double rate = done > 0 && elapsed > 0 ? counted / elapsed : 0;
    std::string bar(static_cast<std::size_t>(share * kWidth), '#');
    bar.resize(kWidth, '.');
    const double since_start = static_cast<double>(base::now_ns() - started_ns_) * 1e-9;
    // What a stage counts are vectors; one that tells nothing before its end has no rate.
    std::array<char, 64> rate_text{};
    if (rate > 0) std::snprintf(rate_text.data(), rate_text.size(), "%.0f vectors/s, ", rate);
    // Before a hundredth is done nobody knows.
    const bool is_known = rate > 0 && counted >= 0.01 * static_cast<double>(total);
    const double left = is_known ? static_cast<double>(total - done) / rate : 0;
    const std::string time_left =
        is_known ? std::to_string(std::lround(std::ceil(left))) + " s left" : "? s left";
    std::fprintf(stderr, "\r\033[K%-16s [%s] %3.0f %%  %s%s, %.0f s in all", numbered().c_str(),
                 bar.c_str(), share * 100, rate_text.data(), time_left.c_str(), since_start);
}

}  // namespace trackway::tools
