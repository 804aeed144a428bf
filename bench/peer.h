// What the programs of peers share: the files that Trackway takes, searches with one query at a
// time in each thread, and one line of JSON per setting.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"
#include "trackway/vector_file.h"

#include <CLI/CLI.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace trackway::bench {

struct PeerOptions {
    std::string base;
    std::string queries;
    std::string truth;   // empty: no recall
    std::string index;   // the peer's file
    std::string result;  // empty, or the file that gets the ids found
    std::string metric = "l2";
    std::uint32_t threads = 2;
    std::uint32_t k = 10;

    Metric distance() const;
};
void add_peer_options(CLI::App& app, PeerOptions& options);

// All rows of a vector file as floats; of unit length where the metric is cosine, so that the inner
// product compares them.
struct FloatRows {
    std::vector<float> values;
    std::size_t dimension = 0;

    std::size_t count() const { return values.size() / dimension; }
    const float* row(std::size_t i) const { return values.data() + i * dimension; }
};
Result<FloatRows> read_rows(const std::string& path, Metric metric);

// work(i) of all i < count on so many threads. Throws what a call of it threw, the last one.
void in_threads(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& work);

// How one thread answers queries, one after the other.
class Answerer {
public:
    Answerer() = default;
    Answerer(const Answerer&) = delete;
    Answerer& operator=(const Answerer&) = delete;
    virtual ~Answerer() = default;

    // Fills nearest, whose entries are kNoVector, with what is found.
    virtual Status answer(const float* query, std::span<Neighbor> nearest) = 0;

    std::uint64_t pages_read() const noexcept { return pages_read_; }

protected:
    std::uint64_t pages_read_ = 0;  // of 4096 bytes
};
// Called once in each thread.
using MakeAnswerer = std::function<Result<std::unique_ptr<Answerer>>()>;

// The queries of a search and what is known of their answers.
class PeerSearch {
public:
    static Result<PeerSearch> open(const PeerOptions& options);

    // Answers all queries once and prints a line: setting ("\"ef\": 40"), recall, QPS, latencies,
    // pages, CPU.
    Status run(const std::string& setting, const MakeAnswerer& make) const;

private:
    PeerOptions options_;
    FloatRows queries_;
    std::optional<GroundTruth> truth_;
};

// Parses the command line and does the work; the exit status. What a peer throws is printed.
int run_peer(CLI::App& app, int count, char** arguments, const std::function<Status()>& work);

}  // namespace trackway::bench
