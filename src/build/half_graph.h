// The graph of a shard while it is built, kept in the folder of the build from time to time: a
// build that is killed goes on from there.
#pragma once

#include "trackway/result.h"

#include "build/work_folder.h"
#include "graph/adjacency.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace trackway::builder {

class HalfGraph {
public:
    // At least so long passes between two times, and so many times what keeping takes.
    struct Pace {
        std::chrono::seconds every{60};
        int times_as_long = 20;
    };

    // `stage` is the name of the stage that builds the graph, `key` what decides its bytes. The
    // folder must outlive it.
    HalfGraph(const WorkFolder& work, std::string stage, const StageKey& key, const Pace& pace);

    const WorkFolder& work() const noexcept { return work_; }

    // Fills lists, which are empty, with those that were kept; points that have chosen edges, in
    // both passes. 0 where nothing is kept: then lists stay empty.
    Result<std::uint64_t> restore(graph::Adjacency& lists);
    // Keeps them when it is time to and the disk has room for it.
    Status keep(std::uint64_t points, const graph::Adjacency& lists);
    // The graph is finished.
    void remove() noexcept;

private:
    std::string part_name(std::uint32_t part) const;
    bool has_room(const graph::Adjacency& lists) const;

    const WorkFolder& work_;
    std::string stage_;
    StageKey key_;
    Pace pace_;
    std::chrono::steady_clock::time_point next_;
    // Two files take turns: the record names the one that is whole.
    std::uint32_t next_part_ = 0;
};

}  // namespace trackway::builder
