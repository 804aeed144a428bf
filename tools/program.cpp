#include "program.h"

#include "trackway/version.h"

#include "base/stopwatch.h"
#include "json_config.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <new>
#include <pthread.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace trackway::tools {
namespace {

// Waits for SIGINT or SIGTERM on a thread of its own, so that no handler has to be
// async-signal-safe. The second signal finds its default action again.
class StopOnSignal {
public:
    StopOnSignal() {
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGINT);
        sigaddset(&signals_, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
        waiter_ = std::jthread([this](const std::stop_token& ended) { wait(ended); });
    }

    std::stop_token token() const noexcept { return stop_.get_token(); }

private:
    void wait(const std::stop_token& ended) {
        constexpr timespec kStep{0, 100'000'000};
        while (!ended.stop_requested()) {
            if (sigtimedwait(&signals_, nullptr, &kStep) < 0) continue;
            stop_.request_stop();
            pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr);
        }
    }

    sigset_t signals_{};
    std::stop_source stop_;
    std::jthread waiter_;
};

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
        {name_of(PageOrder::kBreadthFirst), PageOrder::kBreadthFirst}};
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

CLI::Option* add_size(CLI::App& app, const std::string& name, std::uint64_t& value,
                      const std::string& meaning) {
    return app.add_option(name, value, meaning)
        ->transform(CLI::AsSizeValue(false))
        ->type_name("SIZE");
}

Program::Program(const std::string& name, const std::string& purpose) : app_(purpose, name) {
    app_.set_version_flag("--version", std::string("trackway ") + kVersion);
    app_.set_config("--config", "", "JSON file of options by their long names; flags win");
    app_.config_formatter(std::make_shared<JsonConfig>());
    app_.allow_config_extras(CLI::config_extras_mode::error);
    app_.add_flag("--print-config", print_config_, "print the options as JSON and stop")
        ->configurable(false);
    app_.add_flag("--quiet", flags_.quiet, "no progress on stderr");
    app_.option_defaults()->always_capture_default();
}

void Program::add_json_option() {
    app_.add_option("--json", flags_.json, "write the report as JSON; - is stdout")
        ->type_name("FILE");
}

int Program::run(int argc, char** argv, const std::function<Status(const std::stop_token&)>& work) {
    try {
        app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app_.exit(error) == 0 ? kDone : kWrongCommandLine;
    }
    if (print_config_) {
        std::cout << app_.config_to_str(true, false);
        return kDone;
    }
    const StopOnSignal stop;
    Status status;
    try {
        status = work(stop.token());
    } catch (const std::bad_alloc&) {
        status = tl::unexpected(Error{ErrorCode::kOutOfMemory, "out of memory"});
    }
    if (status) return kDone;
    std::cerr << app_.get_name() << ": " << status.error().message << '\n';
    return kFailed;
}

Status Program::write_report(const std::string& text) const {
    if (flags_.json.empty()) return {};
    const auto failed = [&](int error_number) -> Status {
        return tl::unexpected(
            Error{ErrorCode::kIo, flags_.json + ": cannot write the report: " +
                                      std::system_category().message(error_number)});
    };
    if (flags_.json == "-") {
        std::cout << text << std::flush;
        return std::cout ? Status{} : failed(errno);
    }
    const std::string staged = flags_.json + ".partial";
    std::ofstream file(staged, std::ios::trunc);
    file << text << std::flush;
    file.close();
    if (!file || std::rename(staged.c_str(), flags_.json.c_str()) != 0) {
        const int error_number = errno;
        std::remove(staged.c_str());
        return failed(error_number);
    }
    return {};
}

Progress::Progress(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1) {}

void Progress::show(std::string_view stage, std::uint64_t done, std::uint64_t total) {
    constexpr std::uint64_t kBarStepNs = 100'000'000;
    if (quiet_) return;
    const std::uint64_t now = base::now_ns();
    if (stage != stage_) {
        stage_ = stage;
        stage_started_ns_ = now;
        shown_ns_ = 0;
    }
    if (terminal_ && done < total) {
        if (now - shown_ns_ >= kBarStepNs) show_bar(done, total);
        if (now - shown_ns_ >= kBarStepNs) shown_ns_ = now;
        return;
    }
    if (done < total) return;
    std::fprintf(stderr, "%s%-8s %9.2f s\n", terminal_ ? "\r\033[K" : "", stage_.c_str(),
                 static_cast<double>(now - stage_started_ns_) * 1e-9);
}

void Progress::show_bar(std::uint64_t done, std::uint64_t total) const {
    constexpr int kWidth = 30;
    const double share = static_cast<double>(done) / static_cast<double>(total);
    const double elapsed = static_cast<double>(base::now_ns() - stage_started_ns_) * 1e-9;
    std::string bar(static_cast<std::size_t>(share * kWidth), '#');
    bar.resize(kWidth, '.');
    const double rate = elapsed > 0 ? static_cast<double>(done) / elapsed : 0;
    const double left = share > 0 ? elapsed / share - elapsed : 0;
    std::fprintf(stderr, "\r\033[K%-8s [%s] %3.0f %%  %.0f/s  %.0f s left", stage_.c_str(),
                 bar.c_str(), share * 100, rate, left);
}

}  // namespace trackway::tools
