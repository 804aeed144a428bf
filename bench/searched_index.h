// An index that benchmarks of searches share: built into a temporary folder, opened as a search
// opens it, with its pages in memory.
#pragma once

#include "trackway/builder.h"
#include "trackway/vector_file.h"

#include "base/assert.h"
#include "io/file.h"
#include "layouts/manifest.h"
#include "search/opened_graph.h"
#include "support/random_vectors.h"
#include "support/temp_folder.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace trackway::bench {

constexpr std::uint32_t kDimension = 128;
constexpr std::uint64_t kVectors = 10'000;

// What has to succeed for the benchmark to begin.
template <class T>
T must(Result<T> result) {
    if (!result) std::fprintf(stderr, "%s\n", result.error().message.c_str());
    TRACKWAY_ASSERT(result.has_value());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

struct SearchedIndex {
    std::unique_ptr<search::OpenedGraph> graph;
    std::vector<std::byte> file;

    std::span<const std::byte> page(PageId page) const {
        const layouts::PageGeometry& geometry = graph->geometry();
        return std::span(file).subspan(geometry.offset_of(page), geometry.page_size_bytes);
    }
};

inline std::filesystem::path write_rows(const std::filesystem::path& path, std::uint64_t rows,
                                        std::uint64_t seed) {
    const auto vectors = test::random_vectors(rows, kDimension, ElementType::kUint8, seed);
    auto file = must(VectorFileWriter::create(path, ElementType::kUint8, rows, kDimension));
    must(file.append(vectors.bytes));
    must(file.finish());
    return path;
}

// The workload is so small that nothing is calibrated.
inline SearchedIndex build_searched_index() {
    const test::TempFolder folder;
    BuildOptions options;
    options.vectors = write_rows(folder / "base.u8bin", kVectors, 1);
    options.workload = write_rows(folder / "learn.u8bin", 100, 2);
    options.index_dir = folder / "index";
    options.layout.page_size_bytes = 4096;
    options.code_type = CodeType::kPq;
    must(build(options));
    const auto manifest = must(layouts::read_manifest(options.index_dir));
    auto graph = std::make_unique<search::OpenedGraph>(
        must(search::OpenedGraph::open(options.index_dir, manifest)));
    auto bytes = must(io::read_file(graph->files.shards().front().file.path(), 1U << 30U));
    return {std::move(graph), std::move(bytes)};
}

// Built by the first that asks.
inline const SearchedIndex& searched_index() {
    static const SearchedIndex index = build_searched_index();
    return index;
}

// Beside the vectors of the index.
inline const test::Vectors& searched_queries() {
    static const test::Vectors queries =
        test::random_vectors(64, kDimension, ElementType::kUint8, 3);
    return queries;
}

}  // namespace trackway::bench
