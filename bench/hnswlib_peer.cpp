// hnswlib, whole in memory, on the same files: the yardstick beside which engine_report sets
// Trackway. Prints one line of JSON per ef.
#include "trackway/vector_file.h"

#include "base/errors.h"

#include <CLI/CLI.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <hnswlib/hnswlib.h>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace trackway::bench {
namespace {

constexpr std::size_t kNeighbors = 10;
constexpr std::size_t kEdges = 32;
constexpr std::size_t kEfConstruction = 100;

struct Options {
    std::string base;
    std::string queries;
    std::string truth;
    std::string index;
    std::vector<std::size_t> efs;
    unsigned threads = 2;
};

struct Rows {
    std::vector<float> values;
    std::size_t dimension = 0;

    std::size_t count() const { return values.size() / dimension; }
    const float* row(std::size_t i) const { return values.data() + i * dimension; }
};

// Of float32 or uint8.
Result<Rows> read_rows(const std::string& path) {
    TRACKWAY_TRY_ASSIGN(file, VectorFile::open(path));
    std::vector<std::byte> bytes(file.row_count() * file.row_bytes());
    TRACKWAY_TRY(file.read(0, bytes));
    Rows rows{std::vector<float>(file.row_count() * file.dimension()), file.dimension()};
    if (file.element_type() == ElementType::kFloat32) {
        std::memcpy(rows.values.data(), bytes.data(), bytes.size());
        return rows;
    }
    if (file.element_type() != ElementType::kUint8) {
        return tl::unexpected(Error{ErrorCode::kUnsupported, path + ": expected float32 or uint8"});
    }
    for (std::size_t i = 0; i < bytes.size(); ++i)
        rows.values[i] = static_cast<float>(static_cast<std::uint8_t>(bytes[i]));
    return rows;
}

template <class Work>
double seconds_of(std::size_t count, unsigned threads, const Work& work) {
    const auto start = std::chrono::steady_clock::now();
    std::atomic<std::size_t> next = 0;
    std::vector<std::thread> workers;
    for (unsigned t = 0; t < threads; ++t) {
        workers.emplace_back([&] {
            for (std::size_t i = next++; i < count; i = next++)
                work(i);
        });
    }
    for (std::thread& worker : workers)
        worker.join();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

using Hnsw = hnswlib::HierarchicalNSW<float>;

Result<std::unique_ptr<Hnsw>> open_or_build(const Options& options, hnswlib::L2Space& space) {
    if (std::filesystem::exists(options.index))
        return std::make_unique<Hnsw>(&space, options.index);
    TRACKWAY_TRY_ASSIGN(base, read_rows(options.base));
    auto index = std::make_unique<Hnsw>(&space, base.count(), kEdges, kEfConstruction);
    index->addPoint(base.row(0), 0);
    seconds_of(base.count() - 1, options.threads,
               [&](std::size_t i) { index->addPoint(base.row(i + 1), i + 1); });
    index->saveIndex(options.index);
    return index;
}

Status run(const Options& options) {
    TRACKWAY_TRY_ASSIGN(queries, read_rows(options.queries));
    TRACKWAY_TRY_ASSIGN(truth, read_ground_truth(options.truth));
    hnswlib::L2Space space(queries.dimension);
    TRACKWAY_TRY_ASSIGN(index, open_or_build(options, space));
    for (const std::size_t ef : options.efs) {
        index->setEf(ef);
        std::vector<Neighbor> found(queries.count() * kNeighbors);
        const double seconds = seconds_of(queries.count(), options.threads, [&](std::size_t q) {
            auto nearest = index->searchKnn(queries.row(q), kNeighbors);
            for (std::size_t i = q * kNeighbors; !nearest.empty(); nearest.pop())
                found[i++] = {VectorId{nearest.top().second}, nearest.top().first};
        });
        std::printf("{\"ef\": %zu, \"recall\": %.5f, \"qps\": %.1f}\n", ef,
                    recall_at_k(truth, found, kNeighbors),
                    static_cast<double>(queries.count()) / seconds);
        std::fflush(stdout);
    }
    return {};
}

}  // namespace
}  // namespace trackway::bench

int main(int count, char** arguments) {
    trackway::bench::Options options;
    CLI::App app{
        "Builds an hnswlib index (M = 32, ef_construction = 100) unless it exists, and "
        "searches it for 10 neighbours."};
    app.add_option("--vectors", options.base, "dataset, float32 or uint8")->required();
    app.add_option("--queries", options.queries, "vectors to search for")->required();
    app.add_option("--ground-truth", options.truth, ".ibin or .ivecs")->required();
    app.add_option("--index", options.index, "hnswlib's file")->required();
    app.add_option("--threads", options.threads, "that build and search")->capture_default_str();
    app.add_option("--ef", options.efs, "one row of results per value")->delimiter(',')->required();
    CLI11_PARSE(app, count, arguments);
    const trackway::Status status = trackway::bench::run(options);
    if (status) return 0;
    std::fprintf(stderr, "hnswlib_peer: %s\n", status.error().message.c_str());
    return 1;
}
