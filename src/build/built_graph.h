// A graph whose edges and codes are made, before it is laid out.
#pragma once

#include "trackway/types.h"

#include "base/assert.h"
#include "graph/adjacency.h"
#include "quant/codec.h"

#include <algorithm>
#include <cstdint>
#include <span>

namespace trackway::builder {

// Vertices are numbered shard by shard, within a shard in the order of their rows in the dataset.
// Views only: what they look at must stay.
class VertexNumbers {
public:
    // starts: the first vertex of each shard; and the end. rows: the dataset row of each vertex;
    // row_count: of the dataset, which may have others.
    VertexNumbers(std::span<const std::uint32_t> starts, std::span<const std::uint32_t> rows,
                  std::uint64_t row_count)
        : starts_(starts), rows_(rows), row_count_(row_count) {}

    std::uint64_t row_count() const noexcept { return row_count_; }
    std::uint32_t row(std::uint32_t vertex) const noexcept { return rows_[vertex]; }
    // REQUIRES: a vertex has this row.
    std::uint32_t vertex(std::uint32_t row) const noexcept {
        for (std::uint32_t shard = 0; shard < shard_count(); ++shard) {
            const auto own = rows_.subspan(begin(shard), count(shard));
            const auto at = std::lower_bound(own.begin(), own.end(), row);
            if (at != own.end() && *at == row)
                return begin(shard) + static_cast<std::uint32_t>(at - own.begin());
        }
        TRACKWAY_ASSERT(false);
        return 0;
    }
    std::uint32_t shard_count() const noexcept {
        return static_cast<std::uint32_t>(starts_.size() - 1);
    }
    std::uint32_t begin(std::uint32_t shard) const noexcept { return starts_[shard]; }
    std::uint32_t end(std::uint32_t shard) const noexcept { return starts_[shard + 1]; }
    std::uint32_t count(std::uint32_t shard) const noexcept { return end(shard) - begin(shard); }
    // The shard that holds the vertex.
    std::uint32_t shard_of(std::uint32_t vertex) const noexcept {
        const auto after = std::upper_bound(starts_.begin(), starts_.end(), vertex);
        return static_cast<std::uint32_t>(after - starts_.begin()) - 1;
    }

private:
    std::span<const std::uint32_t> starts_;
    std::span<const std::uint32_t> rows_;
    std::uint64_t row_count_;
};

struct BuiltGraph {
    MatrixView vectors;  // of each vertex, as they are searched
    MatrixView given;    // where those are codes: what they stand for; otherwise empty
    Metric metric = Metric::kL2;
    const graph::Adjacency& adjacency;
    VertexNumbers numbers;
    std::uint32_t entry_point = 0;
    const quant::Codec& codec;
    std::span<const std::uint8_t> codes;  // row v is the code of vertex v
};

}  // namespace trackway::builder
