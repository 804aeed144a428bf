// Codes that stay in memory, and estimates of distances from them: what every kind of code does.
#pragma once

#include "trackway/result.h"
#include "trackway/types.h"

#include "base/arena.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace trackway::quant {

// The codes of one shard: row i, code_bytes long, belongs to vertex i.
struct Codes {
    const std::uint8_t* values = nullptr;
    std::uint32_t code_bytes = 0;

    const std::uint8_t* row(std::uint32_t id) const noexcept {
        return values + std::size_t{id} * code_bytes;
    }
    // Asks for the memory of a code that will soon be looked at.
    void prefetch(std::uint32_t id) const noexcept {
        const std::uint8_t* first = row(id);
        for (std::uint32_t at = 0; at < code_bytes; at += 64)
            __builtin_prefetch(first + at);
        __builtin_prefetch(first + code_bytes - 1);
    }
};

// What a codec prepares for one query; reused from query to query. Each kind of code uses its own
// part of it.
struct QueryTable {
    Metric metric = Metric::kL2;
    std::vector<float> rotated;         // the query in the codec's own axes
    std::vector<float> values;          // of every codeword
    std::vector<std::int16_t> numbers;  // the query in whole numbers
    float step = 0;                     // what one of them stands for
    float bias = 0;
    float offset = 0;
};

// Immutable; shared by all threads.
class Codec {
public:
    Codec(std::uint32_t dimension, std::uint32_t code_bytes)
        : dimension_(dimension), code_bytes_(code_bytes) {}
    Codec(const Codec&) = default;
    Codec& operator=(const Codec&) = default;
    Codec(Codec&&) = default;
    Codec& operator=(Codec&&) = default;
    virtual ~Codec() = default;

    std::uint32_t dimension() const noexcept { return dimension_; }
    std::uint32_t code_bytes() const noexcept { return code_bytes_; }

    virtual CodeType type() const noexcept = 0;
    // All that make_codec() needs, row-major, one row for each dimension (FORMAT.md, codebook).
    virtual std::vector<float> table() const = 0;
    // Bytes that it keeps in memory.
    virtual std::uint64_t bytes() const noexcept = 0;

    // REQUIRES: vector.size() == dimension(), code.size() == code_bytes(). Vectors and queries are
    // as distance::row_floats() makes them.
    virtual void encode(std::span<const float> vector, std::span<std::uint8_t> code) const = 0;
    // Estimates will be of what the distance kernels compute: squared L2, minus the inner product,
    // or 1 - cosine.
    virtual void prepare(Metric metric, std::span<const float> query, QueryTable& table) const = 0;
    // out[i] = estimate for vertex ids[i].
    virtual void estimate(const QueryTable& table, const Codes& codes,
                          std::span<const std::uint32_t> ids, float* out) const = 0;

private:
    std::uint32_t dimension_;
    std::uint32_t code_bytes_;
};

struct TrainOptions {
    std::uint32_t code_bytes = 32;  // at most; of product quantisation: subspaces, a byte each
    std::uint32_t iterations = 20;
    std::uint64_t seed = 1;
};

// Tells whether such codes of a vector fit code_bytes.
bool has_codec(CodeType type, std::uint32_t dimension, std::uint32_t code_bytes) noexcept;

// sample: row-major floats. Unfinished when arena.stopped(). REQUIRES: has_codec().
std::unique_ptr<Codec> train_codec(CodeType type, std::span<const float> sample,
                                   std::uint32_t dimension, const TrainOptions& options,
                                   const base::Arena& arena);

// Floats in each row of the table of such a codec.
std::uint32_t codec_table_width(CodeType type, std::uint32_t dimension) noexcept;

// From what table() gave. kInvalidArgument when no such codec has codes of code_bytes or such
// numbers; the caller knows the file. REQUIRES: table.size() == dimension * codec_table_width().
Result<std::unique_ptr<Codec>> make_codec(CodeType type, std::uint32_t dimension,
                                          std::uint32_t code_bytes, std::vector<float> table);

}  // namespace trackway::quant
