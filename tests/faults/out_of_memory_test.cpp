// The n-th allocation fails: the call ends with an error, what was there stays, the next call
// works.
#if !TRACKWAY_SANITIZED  // sanitizers have a new and delete of their own
#include "trackway/builder.h"
#include "trackway/index.h"

#include "faults/fault_table.h"
#include "support/built_index.h"
#include "support/folder_contents.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <vector>

using namespace trackway;

namespace {

// Counts down while it is above 0; the allocation that makes it 0 fails, on whatever thread.
// Smaller ones than this are not counted.
std::atomic<std::int64_t> allocations_left = 0;
std::atomic<std::size_t> least_bytes = 0;

bool must_fail(std::size_t size) noexcept {
    if (size < least_bytes.load(std::memory_order_relaxed)) return false;
    if (allocations_left.load(std::memory_order_relaxed) <= 0) return false;
    return allocations_left.fetch_sub(1, std::memory_order_relaxed) == 1;
}

}  // namespace

// All other forms of new and delete lead to one of these. Not inlined: compilers would see free()
// where new was.
[[gnu::noinline]] void* operator new(std::size_t size) {
    void* memory = must_fail(size) ? nullptr : std::malloc(size != 0 ? size : 1);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
    void* memory =
        must_fail(size) ? nullptr : std::aligned_alloc(static_cast<std::size_t>(alignment), size);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace {

struct Counts {
    std::uint64_t tried = 0, errors = 0, done = 0;
};

// body() -> Status, once for each of its allocations, until none fails.
template <class Body>
Counts fail_each(const Body& body) {
    Counts counts;
    for (std::int64_t number = 1;; ++number) {
        CAPTURE(number);
        allocations_left = number;
        const Status status = body();
        const bool was_hit = allocations_left.exchange(0) <= 0;
        ++counts.tried;
        if (status) {
            ++counts.done;
            if (!was_hit) return counts;
        } else {
            ++counts.errors;
            REQUIRE(status.error().code == ErrorCode::kOutOfMemory);
        }
    }
}

}  // namespace

TEST_CASE("out of memory is an error of the call, and the next call works") {
    test::BuiltIndex built;
    build_into(built, test::random_vectors(300, 8, ElementType::kFloat32, 1),
               [&](BuildOptions&) { write_workload(built, 16); });
    const auto queries = test::random_vectors(6, 8, ElementType::kFloat32, 2);
    const std::filesystem::path path = built.path();
    const SearchParams params{.k = 5, .search_list_size = 20, .beam_width = 1};
    std::vector<Neighbor> found(6 * 5);
    std::vector<VectorId> right;
    const auto ids = [&] {
        std::vector<VectorId> all;
        for (const Neighbor& neighbor : found)
            all.push_back(neighbor.id);
        return all;
    };
    test::FaultTable table("allocations that fail", {"tried", "errors", "done"});
    for (const IoEngine io : {IoEngine::kAuto, IoEngine::kPread}) {
        OpenOptions options;
        options.io = io;
        options.thread_count = 2;
        options.queries_in_flight_per_thread = 2;
        const auto index = test::expect_value(Index::open(built.path(), options));
        test::expect_ok(index.search(queries.view, params, found));
        right = ids();
        least_bytes = 0;
        const Counts searched =
            fail_each([&] { return index.search(queries.view, params, found); });
        test::expect_ok(index.search(queries.view, params, found));
        CHECK(ids() == right);
        table.add("search", {searched.tried, searched.errors, searched.done});
        // nlohmann_json and TBB allocate a little in functions that may not throw.
        least_bytes = 4096;
        const Counts opened = fail_each([&]() -> Status {
            const auto other = Index::open(path, options);
            if (!other) return tl::unexpected(other.error());
            return other->search(queries.view, params, found);
        });
        CHECK(opened.errors > 10);
        table.add("open and search", {opened.tried, opened.errors, opened.done});
    }
    const auto before = test::contents(built.path());
    BuildOptions again = built.options;
    again.overwrite = true;
    again.graph.max_degree = 12;
    const Counts rebuilt = fail_each([&]() -> Status {
        const auto report = build(again);
        return report ? Status() : tl::unexpected(report.error());
    });
    CHECK(rebuilt.errors > 10);
    table.add("build", {rebuilt.tried, rebuilt.errors, rebuilt.done});
    CHECK(test::contents(built.path()) != before);
    table.print();
}

#endif
