// From the file of vectors to working files: every vector once, shard by shard, and which of them
// are built in other shards as well.
#pragma once

#include "trackway/builder.h"
#include "trackway/options.h"
#include "trackway/result.h"
#include "trackway/types.h"
#include "trackway/vector_file.h"

#include "base/arena.h"
#include "base/checksum.h"
#include "build/built_graph.h"
#include "build/work_folder.h"
#include "build/workload.h"
#include "io/mapped_file.h"
#include "io/resident_limit.h"
#include "layouts/manifest.h"
#include "quant/scalar_codes.h"
#include "shard/partition.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

namespace trackway::builder {

// Files of stages: the rows of all vertices, without gaps, as given and as they are encoded.
constexpr const char* kGivenFile = "vectors.given";
constexpr const char* kEncodedFile = "vectors.encoded";

// A file of vectors and what it holds of a dataset.
struct VectorRows {
    const VectorFile& vectors;
    std::span<const std::uint32_t> rows = {};  // of the dataset, rising; empty: all
    std::uint64_t row_count = 0;               // of the dataset
    // Where the index is one of separate shards.
    std::optional<layouts::ShardPlace> place = {};

    // Which rows of how many, of what partition; nothing where they are all.
    void add_to(base::Checksum& checksum) const;
};

// The vectors as working files hold them, by vertex.
class PartitionedVectors {
public:
    // What make_partition() left.
    static Result<PartitionedVectors> open(const WorkFolder& work, const StageOutput& output,
                                           const VectorRows& input, io::ResidentLimit& limit);

    MatrixView given() const noexcept;
    VertexNumbers numbers() const noexcept { return {starts_, rows_.numbers(), row_count_}; }
    // Vertices of other shards that are built in this one, in rising order.
    std::span<const std::uint32_t> replicas(std::uint32_t shard) const noexcept {
        return all_replicas_.numbers().subspan(replica_starts_[shard],
                                               replica_starts_[shard + 1] - replica_starts_[shard]);
    }
    // With replicas: of one shard, of all.
    std::uint64_t member_count(std::uint32_t shard) const noexcept {
        return numbers().count(shard) + replicas(shard).size();
    }
    std::uint64_t member_count() const noexcept { return starts_.back() + replica_starts_.back(); }
    const PartitionReport& report() const noexcept { return report_; }

private:
    Status take_values(std::span<const std::uint64_t> values, const std::filesystem::path& path);

    io::MappedFile given_;
    ElementType type_ = ElementType::kFloat32;
    std::uint32_t dimension_ = 0;
    std::vector<std::uint32_t> starts_;
    io::MappedFile rows_;
    std::uint64_t row_count_ = 0;
    io::MappedFile all_replicas_;
    std::vector<std::uint64_t> replica_starts_ = {0};
    PartitionReport report_;
};

struct PartitionTask {
    VectorRows rows;
    StageKey input = {};                 // of vectors and workload
    MatrixView sample;                   // of the vectors; not looked at where there is one shard
    const Workload* workload = nullptr;  // null: only the vectors decide
    Metric metric = Metric::kL2;
    shard::PartitionOptions options;
    bool on_demand = false;  // replicas are those that queries ask for, in the first place
};

// Reads the vectors twice: to assign them to shards, and to write them where they belong.
// kCancelled when arena.stopped(); kInvalidArgument when a shard would be empty.
Result<StageOutput> make_partition(const WorkFolder& work, const PartitionTask& task,
                                   const base::Arena& arena);

// What the output says of the input, and how many shards there are.
StageKey input_of_partition(const StageOutput& output) noexcept;
std::uint32_t shards_of_partition(const StageOutput& output) noexcept;

// Bytes that it holds at once of so many vectors and their replicas, for planning.
constexpr std::uint64_t partition_bytes(std::uint64_t rows, double replica_factor,
                                        bool on_demand) noexcept {
    const auto replicas =
        static_cast<std::uint64_t>(static_cast<double>(rows) * (replica_factor - 1));
    return rows * 10 + replicas * (on_demand ? 48 : 20);
}

// The vectors in a scalar code, in a working file beside those given.
Result<StageOutput> write_encoded(const WorkFolder& work, const MatrixView& given,
                                  const quant::ScalarCode& code, const base::Arena& arena);

class EncodedVectors {
public:
    EncodedVectors() = default;
    // What write_encoded() left.
    static Result<EncodedVectors> open(const WorkFolder& work, const StageOutput& output,
                                       io::ResidentLimit& limit);
    quant::ScalarCode code(VectorEncoding encoding, Metric metric,
                           ElementType given) const noexcept;
    MatrixView view(const quant::ScalarCode& code, const MatrixView& given) const noexcept {
        return {file_.bytes().data(), code.stored(), given.row_count, given.dimension};
    }

private:
    io::MappedFile file_;
    float offset_ = 0;
    float step_ = 1;
};

}  // namespace trackway::builder
