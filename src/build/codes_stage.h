// Makes the codes that a search keeps in memory: trains on a sample, encodes every vector, and
// chooses among the kinds of codes by what queries would read.
#pragma once

#include "trackway/builder.h"
#include "trackway/types.h"

#include "base/arena.h"
#include "build/built_graph.h"
#include "build/judging_queries.h"
#include "graph/adjacency.h"
#include "quant/codec.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace trackway::builder {

// A sample that codes are trained on need not be larger.
constexpr std::uint64_t kTrainingRows = 1U << 16U;

struct CodesTask {
    MatrixView vectors;  // as they are searched
    MatrixView given;    // where those are codes: what they stand for; otherwise empty
    Metric metric = Metric::kL2;
    const graph::Adjacency& adjacency;
    VertexNumbers numbers;
    std::uint32_t entry_point = 0;
    const JudgingQueries& judging;
    std::optional<CodeType> type = {};  // without one, all are tried
    std::uint32_t code_bytes = 32;
    std::uint64_t training_rows = kTrainingRows;
    std::uint64_t seed = 1;
};

struct MadeCodes {
    std::unique_ptr<quant::Codec> codec;
    std::vector<std::uint8_t> codes;  // row v is the code of vertex v
    std::vector<CodeTrial> trials;    // where several kinds were tried
};

// Codes of the kind with which judging queries read fewest pages, each vertex on a page of its own;
// another must spare 2 % to be preferred to one that stands before it in CodeType. Unfinished when
// arena.stopped().
MadeCodes make_codes(const CodesTask& task, const base::Arena& arena);

struct CodesShape {
    std::uint32_t dimension = 0;
    std::uint32_t code_bytes = 0;
    bool axes = false;
};

// Whether OPQ codes will be trained: asked for, or tried among others.
bool may_use_opq(std::optional<CodeType> type, std::uint32_t dimension) noexcept;

// Bytes that making codes holds at once beside vectors and edges, for planning. axes: OPQ's, too.
std::uint64_t codes_stage_bytes(std::uint64_t rows, std::uint64_t training_rows,
                                const CodesShape& shape) noexcept;

}  // namespace trackway::builder
