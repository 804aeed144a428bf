// A small index on disk, for tests of what reads it.
#pragma once

#include "trackway/builder.h"
#include "trackway/vector_file.h"

#include "support/expect.h"
#include "support/random_vectors.h"
#include "support/temp_folder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <stop_token>
#include <string_view>
#include <utility>

namespace trackway::test {

inline void write_vectors(const std::filesystem::path& path, const Vectors& vectors) {
    auto file = VectorFileWriter::create(path, vectors.view.element_type, vectors.view.row_count,
                                         vectors.view.dimension);
    REQUIRE(file);
    REQUIRE(file->append(vectors.bytes));
    REQUIRE(file->finish());
}

struct BuiltIndex {
    TempFolder folder;
    Vectors vectors;
    BuildOptions options;
    BuildReport report;

    std::filesystem::path path() const { return options.index_dir; }
};

// Queries of their own for a build to trace: a few of them are traced much sooner than the sample
// of the vectors that stands in otherwise. For change() of build_into().
inline void write_workload(BuiltIndex& index, std::uint64_t rows) {
    index.options.workload = index.folder / "workload.npy";
    const MatrixView& base = index.vectors.view;
    write_vectors(index.options.workload,
                  random_vectors(rows, base.dimension, base.element_type, 99));
}

// REQUIREs that the build succeeds. change(options) may alter the options: PQ codes unless it does,
// since trying all kinds takes longer than most builds of tests.
template <class Change>
void build_into(BuiltIndex& index, Vectors vectors, const Change& change) {
    index.vectors = std::move(vectors);
    index.options.vectors = index.folder / "base.npy";
    index.options.index_dir = index.folder / "index";
    index.options.graph = {.max_degree = 16, .build_list_size = 32};
    index.options.code_type = CodeType::kPq;
    index.options.code_bytes = std::min(8U, index.vectors.view.dimension);
    index.options.thread_count = 2;
    index.options.layout.page_size_bytes = 4096;
    change(index.options);
    write_vectors(index.options.vectors, index.vectors);
    auto report = build(index.options);
    if (!report) FAIL(report.error().message);
    index.report = *report;
}

// Stopped as soon as it tells of the stage. REQUIREs that it ends so.
inline void build_until(std::string_view stage, const BuildOptions& options) {
    std::stop_source stop;
    const auto stop_in = [&](std::string_view name, std::uint64_t, std::uint64_t) {
        if (name == stage) stop.request_stop();
    };
    expect_error(build(options, stop_in, stop.get_token()), ErrorCode::kCancelled);
}

}  // namespace trackway::test
