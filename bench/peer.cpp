#include "peer.h"

#include "base/errors.h"
#include "base/percentiles.h"
#include "distance/row_floats.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <mutex>
#include <sys/resource.h>
#include <thread>

namespace trackway::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double kNsPerUs = 1e3;
constexpr double kPageBytes = 4096;

double cpu_us() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto us = [](const timeval& t) {
        return 1e6 * static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec);
    };
    return us(used.ru_utime) + us(used.ru_stime);
}

struct Costs {
    double seconds = 0;
    double cpu_us = 0;
    std::uint64_t pages = 0;
    std::vector<std::uint64_t> latencies_ns;
};

// What the threads of one search share.
struct Shared {
    std::atomic<std::size_t> next = 0;
    std::atomic<std::uint64_t> pages = 0;
    std::mutex failing;
    Status status;

    void fail(Error error) {
        const std::scoped_lock lock(failing);
        if (status) status = tl::unexpected(std::move(error));
    }
};

void answer_some(const FloatRows& queries, const MakeAnswerer& make, Shared& shared,
                 std::span<Neighbor> found, std::span<std::uint64_t> latencies_ns) {
    auto answerer = make();
    if (!answerer) {
        shared.fail(answerer.error());
        return;
    }
    const std::size_t k = found.size() / queries.count();
    for (std::size_t q = shared.next++; q < queries.count(); q = shared.next++) {
        const auto start = Clock::now();
        const Status status = (*answerer)->answer(queries.row(q), found.subspan(q * k, k));
        const auto taken = std::chrono::nanoseconds(Clock::now() - start).count();
        latencies_ns[q] = static_cast<std::uint64_t>(taken);
        if (!status) {
            shared.fail(status.error());
            return;
        }
    }
    shared.pages += (*answerer)->pages_read();
}

Result<Costs> answer_all(const FloatRows& queries, unsigned threads, const MakeAnswerer& make,
                         std::span<Neighbor> found) {
    Costs costs;
    costs.latencies_ns.resize(queries.count());
    Shared shared;
    const double cpu_before = cpu_us();
    const auto start = Clock::now();
    std::vector<std::thread> workers;
    for (unsigned t = 0; t < threads; ++t) {
        workers.emplace_back([&] {
            try {
                answer_some(queries, make, shared, found, costs.latencies_ns);
            } catch (const std::exception& error) {  // of the peer
                shared.fail({ErrorCode::kUnsupported, error.what()});
            }
        });
    }
    for (std::thread& worker : workers)
        worker.join();
    TRACKWAY_TRY(shared.status);
    costs.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    costs.cpu_us = cpu_us() - cpu_before;
    costs.pages = shared.pages;
    return costs;
}

void print_row(const std::string& setting, const std::string& recall, const Costs& costs) {
    const auto queries = static_cast<double>(costs.latencies_ns.size());
    const base::Percentiles latencies(costs.latencies_ns);
    const auto us = [&](double share) {
        return static_cast<double>(latencies.at(share)) / kNsPerUs;
    };
    const double pages = static_cast<double>(costs.pages) / queries;
    std::printf(
        "{%s, \"recall\": %s, \"qps\": %.1f, \"latency_us_mean\": %.3f, \"latency_us_p50\": %.3f, "
        "\"latency_us_p99\": %.3f, \"pages_read_per_query\": %.3f, \"bytes_read_per_query\": %.1f, "
        "\"cpu_us_per_query\": %.3f}\n",
        setting.c_str(), recall.c_str(), queries / costs.seconds, latencies.mean() / kNsPerUs,
        us(0.5), us(0.99), pages, pages * kPageBytes, costs.cpu_us / queries);
    std::fflush(stdout);
}

Status write_ids(const PeerOptions& options, std::span<const Neighbor> found) {
    GroundTruth ids{static_cast<std::uint32_t>(found.size() / options.k), options.k, {}, {}};
    for (const Neighbor& neighbor : found)
        ids.ids.push_back(static_cast<std::uint32_t>(neighbor.id));
    return write_ground_truth(options.result, ids);
}

}  // namespace

Metric PeerOptions::distance() const {
    if (metric == "l2") return Metric::kL2;
    return metric == "ip" ? Metric::kInnerProduct : Metric::kCosine;
}

void add_peer_options(CLI::App& app, PeerOptions& options) {
    app.add_option("--vectors", options.base, "dataset")->required();
    app.add_option("--queries", options.queries, "vectors to search for")->required();
    app.add_option("--ground-truth", options.truth, ".ibin or .ivecs; adds recall");
    app.add_option("--index", options.index, "the peer's file; built unless it exists")->required();
    app.add_option("--result", options.result, ".ivecs: the ids found, of the last setting");
    app.add_option("--metric", options.metric, "distance")
        ->check(CLI::IsMember({"l2", "ip", "cosine"}))
        ->capture_default_str();
    app.add_option("--threads", options.threads, "that build and search")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
    app.add_option("--k", options.k, "neighbours per query")
        ->check(CLI::Range(1, 1 << 16))
        ->capture_default_str();
}

Result<FloatRows> read_rows(const std::string& path, Metric metric) {
    TRACKWAY_TRY_ASSIGN(file, VectorFile::open(path));
    FloatRows rows{std::vector<float>(file.row_count() * file.dimension()), file.dimension()};
    std::vector<std::byte> row(file.row_bytes());
    for (std::uint64_t i = 0; i < file.row_count(); ++i) {
        TRACKWAY_TRY(file.read(i, row));
        distance::row_floats(row.data(), file.element_type(), metric,
                             std::span(rows.values).subspan(i * rows.dimension, rows.dimension));
    }
    return rows;
}

void in_threads(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& work) {
    std::atomic<std::size_t> next = 0;
    std::mutex failing;
    std::exception_ptr failure;
    std::vector<std::thread> workers;
    for (unsigned t = 0; t < threads; ++t) {
        workers.emplace_back([&] {
            try {
                for (std::size_t i = next++; i < count; i = next++)
                    work(i);
            } catch (...) {
                const std::scoped_lock lock(failing);
                failure = std::current_exception();
                next = count;
            }
        });
    }
    for (std::thread& worker : workers)
        worker.join();
    if (failure) std::rethrow_exception(failure);
}

Result<PeerSearch> PeerSearch::open(const PeerOptions& options) {
    PeerSearch search;
    search.options_ = options;
    TRACKWAY_TRY_ASSIGN(queries, read_rows(options.queries, options.distance()));
    search.queries_ = std::move(queries);
    if (options.truth.empty()) return search;
    TRACKWAY_TRY_ASSIGN(truth, read_ground_truth(options.truth));
    if (truth.query_count != search.queries_.count() || truth.k < options.k) {
        return base::fail(
            ErrorCode::kInvalidArgument,
            base::join(options.truth, ": ", truth.query_count, " x ", truth.k, ", expected ",
                       search.queries_.count(), " queries and ", options.k, " neighbours or more"));
    }
    search.truth_ = std::move(truth);
    return search;
}

Status PeerSearch::run(const std::string& setting, const MakeAnswerer& make) const {
    std::vector<Neighbor> found(queries_.count() * options_.k, Neighbor{kNoVector, 0});
    TRACKWAY_TRY_ASSIGN(costs, answer_all(queries_, options_.threads, make, found));
    const std::string recall =
        truth_ ? std::to_string(recall_at_k(*truth_, found, options_.k)) : "null";
    print_row(setting, recall, costs);
    return options_.result.empty() ? Status{} : write_ids(options_, found);
}

int run_peer(CLI::App& app, int count, char** arguments, const std::function<Status()>& work) {
    CLI11_PARSE(app, count, arguments);
    try {
        const Status status = work();
        if (status) return 0;
        std::fprintf(stderr, "%s: %s\n", app.get_name().c_str(), status.error().message.c_str());
    } catch (const std::exception& error) {  // of the peer
        std::fprintf(stderr, "%s: %s\n", app.get_name().c_str(), error.what());
    }
    return 1;
}

}  // namespace trackway::bench
