// Counts what Index::search() allocates: of a call, and of each query beyond. Prints one line of
// JSON. bench/baseline_gate.py expects that a query allocates nothing.
#include "trackway/index.h"
#include "trackway/vector_file.h"

#include "base/errors.h"

#include <CLI/CLI.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

namespace {

// On whatever thread.
std::atomic<std::uint64_t> allocations = 0;

void* counted(void* memory) {
    if (memory == nullptr) throw std::bad_alloc();
    allocations.fetch_add(1, std::memory_order_relaxed);
    return memory;
}

}  // namespace

// All other forms of new and delete lead to one of these. Not inlined: compilers would see free()
// where new was.
[[gnu::noinline]] void* operator new(std::size_t size) {
    return counted(std::malloc(size != 0 ? size : 1));
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
    return counted(std::aligned_alloc(static_cast<std::size_t>(alignment), size));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
    std::free(memory);
}

namespace trackway::bench {
namespace {

struct Options {
    std::string index;
    std::string queries;
    SearchParams params = {.beam_width = 1};
    double target_recall = 0;
    std::uint32_t queries_in_flight = 1;
    std::uint32_t passes = 8;
};

Status run(const Options& options) {
    TRACKWAY_TRY_ASSIGN(file, VectorFile::open(options.queries));
    std::vector<std::byte> bytes(file.row_count() * file.row_bytes());
    TRACKWAY_TRY(file.read(0, bytes));
    const MatrixView all{bytes.data(), file.element_type(), file.row_count(), file.dimension()};
    MatrixView half = all;
    half.row_count /= 2;
    if (half.row_count == 0) {
        return base::fail(
            ErrorCode::kInvalidArgument,
            base::join(options.queries, ": expected 2 queries or more, found ", all.row_count));
    }
    OpenOptions opening;
    opening.thread_count = 1;
    opening.queries_in_flight_per_thread = options.queries_in_flight;
    TRACKWAY_TRY_ASSIGN(index, Index::open(options.index, opening));
    SearchParams params = options.params;
    if (options.target_recall > 0) params.target_recall = options.target_recall;
    std::vector<Neighbor> found(all.row_count * params.k);
    std::vector<SearchStats> stats(all.row_count);
    const auto allocations_of = [&](const MatrixView& queries) -> Result<std::uint64_t> {
        const std::uint64_t before = allocations;
        TRACKWAY_TRY(index.search(queries, params,
                                  std::span(found).first(queries.row_count * params.k),
                                  std::span(stats).first(queries.row_count)));
        return allocations - before;
    };
    // Working memory grows to what the hardest query needs, and stays. Which query is hard may
    // depend on what is sooner (separate shards), but growth ends: what queries allocate does not.
    std::uint64_t of_half = 0;
    std::uint64_t more = 1;
    for (std::uint32_t pass = 0; pass < options.passes && more > 0; ++pass) {
        TRACKWAY_TRY_ASSIGN(of_all, allocations_of(all));
        TRACKWAY_TRY_ASSIGN(fewer, allocations_of(half));
        of_half = fewer;
        more = of_all > of_half ? of_all - of_half : 0;
    }
    std::printf("{\"allocations_per_query\": %.9g, \"allocations_per_call\": %llu}\n",
                static_cast<double>(more) / static_cast<double>(all.row_count - half.row_count),
                static_cast<unsigned long long>(of_half));
    return {};
}

}  // namespace
}  // namespace trackway::bench

int main(int count, char** arguments) {
    trackway::bench::Options options;
    CLI::App app{"Counts the allocations of a search, on one thread, after warming up."};
    app.add_option("--index", options.index, "index folder")->required();
    app.add_option("--queries", options.queries, "vectors to search for")->required();
    app.add_option("--search-list", options.params.search_list_size, "candidates kept per query")
        ->capture_default_str();
    app.add_option("--target-recall", options.target_recall, "instead of a list; 0: the list")
        ->capture_default_str();
    app.add_option("--queries-in-flight", options.queries_in_flight, "at a time")
        ->capture_default_str();
    app.add_option("--passes", options.passes, "the most until one allocates nothing for queries")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    CLI11_PARSE(app, count, arguments);
    const trackway::Status status = trackway::bench::run(options);
    if (status) return 0;
    std::fprintf(stderr, "search_allocations: %s\n", status.error().message.c_str());
    return 1;
}
