// Runs the stages of a build, timed and reported.
#pragma once

#include "trackway/builder.h"
#include "trackway/result.h"

#include "base/arena.h"
#include "base/errors.h"
#include "base/resident_memory.h"
#include "base/stopwatch.h"

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

namespace trackway::builder {

class StageRunner {
public:
    // All must outlive it.
    StageRunner(const base::Arena& arena, const BuildProgress& progress, BuildReport& report)
        : arena_(arena), progress_(progress), report_(report) {}

    // What the next stage shall not find resident: it may allocate faster than anybody looks.
    void after_stages(std::function<void()> give_back) { give_back_ = std::move(give_back); }

    // A stop that comes while the body runs may have left its work undone.
    template <class Body>
    Status stage(const char* name, const Body& body) {
        return timed(name, [&]() -> Status {
            TRACKWAY_TRY(body());
            if (arena_.stopped()) return base::cancelled();
            return {};
        });
    }

    // The same for a stage whose end counts, whatever stop came.
    template <class Body>
    Status timed(const char* name, const Body& body) {
        const base::Stopwatch watch;
        tell(name, 0, 1);
        TRACKWAY_TRY(body());
        tell(name, 1, 1);
        base::give_back_freed_memory();
        if (give_back_) give_back_();
        report_.stages.push_back(
            {name, watch.seconds(), watch.cpu_seconds(), base::peak_resident_bytes()});
        return {};
    }

    void tell(std::string_view name, std::uint64_t done, std::uint64_t total) const {
        if (progress_) progress_(name, done, total);
    }

    const base::Arena& arena() const noexcept { return arena_; }
    BuildReport& report() noexcept { return report_; }

private:
    const base::Arena& arena_;
    const BuildProgress& progress_;
    BuildReport& report_;
    std::function<void()> give_back_;
};

}  // namespace trackway::builder
