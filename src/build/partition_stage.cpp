#include "build/partition_stage.h"

#include "base/aligned_buffer.h"
#include "base/errors.h"
#include "build/vector_pass.h"
#include "graph/exact_scan.h"
#include "shard/demand.h"
#include "shard/router.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <utility>

namespace trackway::builder {
namespace {

using base::fail;
using base::join;

constexpr std::uint64_t kReadBytes = std::uint64_t{4} << 20U;
// Queries that train the partition, and that judge it.
constexpr std::uint64_t kTrainingMax = 8192;
constexpr std::uint64_t kJudgingMax = 4096;
// Of the output's values: the input's key, the number of shards, starts, counts of replicas,
// report.
constexpr std::size_t kShardCount = 2;
constexpr std::size_t kFirstStart = 3;
constexpr const char* kRowsFile = "rows";
constexpr const char* kReplicasFile = "replicas";

// Collects rows of one shard and writes many at a time.
class RowWriter {
public:
    RowWriter(io::StagedFile& file, std::uint64_t offset, std::size_t capacity)
        : file_(file), offset_(offset), buffer_(capacity) {}

    Status add(std::span<const std::byte> row) {
        if (used_ + row.size() > buffer_.size()) TRACKWAY_TRY(flush());
        std::memcpy(buffer_.data() + used_, row.data(), row.size());
        used_ += row.size();
        return {};
    }
    Status flush() {
        TRACKWAY_TRY(file_.write_at(offset_, std::span(buffer_).first(used_)));
        offset_ += used_;
        used_ = 0;
        return {};
    }

private:
    io::StagedFile& file_;
    std::uint64_t offset_;
    std::vector<std::byte> buffer_;
    std::size_t used_ = 0;
};

Status write_rows(const WorkFolder& work, const PartitionTask& task,
                  std::span<const std::uint16_t> homes, std::span<const std::uint32_t> starts) {
    const std::size_t row_bytes = task.rows.vectors.row_bytes();
    TRACKWAY_TRY_ASSIGN(file, io::StagedFile::create(work.file(kGivenFile)));
    TRACKWAY_TRY(file.reserve(task.rows.vectors.row_count() * row_bytes));
    const std::size_t shards = starts.size() - 1;
    const std::size_t capacity = std::max<std::size_t>(kReadBytes / shards, row_bytes);
    std::vector<RowWriter> writers;
    for (std::size_t s = 0; s < shards; ++s)
        writers.emplace_back(file, std::uint64_t{starts[s]} * row_bytes, capacity);
    const auto add = [&](const MatrixView& block, std::uint64_t first) -> Status {
        for (std::uint64_t i = 0; i < block.row_count; ++i)
            TRACKWAY_TRY(writers[homes[first + i]].add({block.row(i), row_bytes}));
        return {};
    };
    TRACKWAY_TRY(for_each_block(task.rows.vectors, add));
    for (RowWriter& writer : writers)
        TRACKWAY_TRY(writer.flush());
    return file.name();
}

shard::Partition train(const PartitionTask& task, const base::Arena& arena) {
    if (task.options.shards == 1 || task.workload == nullptr)
        return shard::train_partition(task.sample, task.metric, {}, task.options, arena);
    const SplitWorkload split(*task.workload, {2, kTrainingMax, kJudgingMax});
    return shard::train_partition(task.sample, task.metric, split.queries(), task.options, arena);
}

// What queries find among all vectors, where that decides which are replicas.
class QueriesNearest {
public:
    explicit QueriesNearest(const PartitionTask& task) : task_(task) {
        if (!task.on_demand || task.options.shards == 1 || task.workload == nullptr) return;
        split_ = std::make_unique<SplitWorkload>(
            *task.workload, SplitWorkload::Shares{shard::kJudgedEvery, UINT64_MAX, 0});
        scan_ =
            std::make_unique<graph::ExactScan>(split_->queries().training, task.metric, kNeighbors);
    }

    void add(const MatrixView& block, std::uint32_t first, const base::Arena& arena) {
        if (scan_) scan_->add(block, first, arena);
    }

    // Those of the assigner where nothing is asked.
    std::span<const shard::Replica> replicas(const shard::Assigner& assigner) {
        if (!scan_) return assigner.replicas();
        const std::uint32_t shards = task_.options.shards;
        const shard::ReplicaLimits limits = assigner.limits();
        joined_ = shard::join_replicas(
            shard::demanded_replicas(scan_->rows(), assigner.homes(), shards, limits),
            assigner.replicas(), shards, limits);
        return joined_;
    }

private:
    static constexpr std::uint32_t kNeighbors = 20;

    const PartitionTask& task_;
    std::unique_ptr<SplitWorkload> split_;  // null: nothing is asked
    std::unique_ptr<graph::ExactScan> scan_;
    std::vector<shard::Replica> joined_;
};

Result<std::vector<std::uint32_t>> starts_of(std::span<const std::uint64_t> counts) {
    std::vector<std::uint32_t> starts = {0};
    for (const std::uint64_t count : counts) {
        if (count == 0) {
            return fail(
                ErrorCode::kInvalidArgument,
                join("shards: expected no more than the vectors have regions, found ",
                     counts.size(), ", of which shard ", starts.size() - 1, " would be empty"));
        }
        starts.push_back(starts.back() + static_cast<std::uint32_t>(count));
    }
    return starts;
}

// Shard after shard, the vertices of each rising; values gets their numbers.
Status write_replicas(const WorkFolder& work, std::span<const shard::Replica> replicas,
                      std::uint32_t shards, std::span<const std::uint32_t> vertices,
                      std::vector<std::uint64_t>& values) {
    std::vector<std::size_t> ends(shards, 0);
    for (const shard::Replica& replica : replicas)
        ++ends[replica.shard];
    values.insert(values.end(), ends.begin(), ends.end());
    std::exclusive_scan(ends.begin(), ends.end(), ends.begin(), std::size_t{0});
    const std::vector<std::size_t> begins = ends;
    std::vector<std::uint32_t> all(replicas.size());
    for (const shard::Replica& replica : replicas)
        all[ends[replica.shard]++] = vertices[replica.row];
    for (std::uint32_t shard = 0; shard < shards; ++shard) {
        const std::span own = std::span(all).subspan(begins[shard], ends[shard] - begins[shard]);
        std::sort(own.begin(), own.end());
    }
    return work.write(kReplicasFile, std::as_bytes(std::span(all)));
}

void add_report(const shard::Partition& partition, std::vector<std::uint64_t>& values) {
    values.push_back(std::bit_cast<std::uint64_t>(partition.workload_weight));
    for (const shard::WeightTrial& trial : partition.trials) {
        values.push_back(std::bit_cast<std::uint64_t>(trial.weight));
        values.push_back(std::bit_cast<std::uint64_t>(trial.shards_per_query));
    }
}

}  // namespace

void VectorRows::add_to(base::Checksum& checksum) const {
    if (rows.empty()) return;
    checksum.update(std::as_bytes(std::span(&row_count, 1)));
    checksum.update(std::as_bytes(rows));
    if (!place) return;
    checksum.update(std::as_bytes(std::span(place->partition)));
    checksum.update(std::as_bytes(std::span(&place->shard, 1)));
}

Result<StageOutput> make_partition(const WorkFolder& work, const PartitionTask& task,
                                   const base::Arena& arena) {
    const std::uint64_t rows = task.rows.vectors.row_count();
    const shard::Partition partition = train(task, arena);
    if (arena.stopped()) return base::cancelled();
    shard::Assigner assigner(partition, task.metric, rows);
    QueriesNearest asked(task);
    TRACKWAY_TRY(for_each_block(task.rows.vectors,
                                [&](const MatrixView& block, std::uint64_t first) -> Status {
                                    assigner.add(block, arena);
                                    asked.add(block, static_cast<std::uint32_t>(first), arena);
                                    if (arena.stopped()) return base::cancelled();
                                    return {};
                                }));
    TRACKWAY_TRY_ASSIGN(starts, starts_of(assigner.home_counts()));
    const std::span<const std::uint16_t> homes = assigner.homes();
    StageOutput output;
    output.values.resize(kShardCount);
    std::memcpy(output.values.data(), task.input.data(), task.input.size());
    output.values.push_back(partition.shards);
    output.values.insert(output.values.end(), starts.begin(), starts.end());
    TRACKWAY_TRY(write_rows(work, task, homes, starts));
    output.files = {kGivenFile, kReplicasFile, kRowsFile};
    std::vector<std::uint32_t> next(starts.begin(), starts.end());
    std::vector<std::uint32_t> vertices(rows);
    for (std::uint64_t row = 0; row < rows; ++row)
        vertices[row] = next[homes[row]]++;
    TRACKWAY_TRY(
        write_replicas(work, asked.replicas(assigner), partition.shards, vertices, output.values));
    add_report(partition, output.values);
    std::vector<std::uint32_t> row_of(rows);
    for (std::uint32_t row = 0; row < rows; ++row)
        row_of[vertices[row]] = task.rows.rows.empty() ? row : task.rows.rows[row];
    TRACKWAY_TRY(work.write(kRowsFile, std::as_bytes(std::span(row_of))));
    return output;
}

Result<PartitionedVectors> PartitionedVectors::open(const WorkFolder& work,
                                                    const StageOutput& output,
                                                    const VectorRows& input,
                                                    io::ResidentLimit& limit) {
    PartitionedVectors opened;
    TRACKWAY_TRY_ASSIGN(given, io::MappedFile::open(work.file(kGivenFile), false, limit));
    TRACKWAY_TRY_ASSIGN(rows, io::MappedFile::open(work.file(kRowsFile), false, limit));
    TRACKWAY_TRY_ASSIGN(replicas, io::MappedFile::open(work.file(kReplicasFile), false, limit));
    opened.given_ = std::move(given);
    opened.rows_ = std::move(rows);
    opened.type_ = input.vectors.element_type();
    opened.dimension_ = input.vectors.dimension();
    opened.row_count_ = input.row_count;
    opened.all_replicas_ = std::move(replicas);
    TRACKWAY_TRY(opened.take_values(output.values, work.file(kGivenFile)));
    return opened;
}

// The numbers in the order in which make_partition() gives them.
Status PartitionedVectors::take_values(std::span<const std::uint64_t> values,
                                       const std::filesystem::path& path) {
    TRACKWAY_TRY(check_output(values.size() >= kFirstStart, path));
    const std::uint64_t shards = std::min<std::uint64_t>(values[kShardCount], kMaxShards + 1);
    const std::size_t weight_at = kFirstStart + 2 * shards + 1;
    TRACKWAY_TRY(check_output(shards > 0 && shards <= kMaxShards && values.size() > weight_at &&
                                  (values.size() - weight_at) % 2 == 1,
                              path));
    for (std::uint64_t s = 0; s <= shards; ++s)
        starts_.push_back(static_cast<std::uint32_t>(values[kFirstStart + s]));
    for (std::uint64_t s = 0; s < shards; ++s)
        replica_starts_.push_back(replica_starts_.back() + values[kFirstStart + shards + 1 + s]);
    report_.workload_weight = std::bit_cast<double>(values[weight_at]);
    for (std::size_t at = weight_at + 1; at < values.size(); at += 2) {
        report_.trials.push_back(
            {std::bit_cast<double>(values[at]), std::bit_cast<double>(values[at + 1])});
    }
    const std::uint64_t rows = starts_.back();
    const bool sizes = given_.bytes().size() == rows * given().row_bytes() &&
                       rows_.numbers().size() == rows &&
                       all_replicas_.numbers().size() == replica_starts_.back();
    return check_output(sizes && std::is_sorted(starts_.begin(), starts_.end()), path);
}

StageKey input_of_partition(const StageOutput& output) noexcept {
    StageKey key{};
    if (output.values.size() >= kShardCount) std::memcpy(key.data(), output.values.data(), 16);
    return key;
}

std::uint32_t shards_of_partition(const StageOutput& output) noexcept {
    return output.values.size() > kShardCount
               ? static_cast<std::uint32_t>(output.values[kShardCount])
               : 0;
}

MatrixView PartitionedVectors::given() const noexcept {
    return {given_.bytes().data(), type_, starts_.back(), dimension_};
}

Result<StageOutput> write_encoded(const WorkFolder& work, const MatrixView& given,
                                  const quant::ScalarCode& code, const base::Arena& arena) {
    TRACKWAY_TRY_ASSIGN(file, io::StagedFile::create(work.file(kEncodedFile)));
    const std::uint64_t step = std::max<std::uint64_t>(1, kReadBytes / given.row_bytes());
    for (std::uint64_t first = 0; first < given.row_count; first += step) {
        const MatrixView block{given.row(first), given.element_type,
                               std::min(step, given.row_count - first), given.dimension};
        const base::AlignedBuffer codes = quant::encode_matrix(block, code, arena);
        if (arena.stopped()) return base::cancelled();
        TRACKWAY_TRY(file.append(codes.span()));
    }
    TRACKWAY_TRY(file.name());
    return StageOutput{.files = {kEncodedFile},
                       .values = {std::bit_cast<std::uint32_t>(code.offset),
                                  std::bit_cast<std::uint32_t>(code.step)}};
}

Result<EncodedVectors> EncodedVectors::open(const WorkFolder& work, const StageOutput& output,
                                            io::ResidentLimit& limit) {
    EncodedVectors opened;
    TRACKWAY_TRY_ASSIGN(file, io::MappedFile::open(work.file(kEncodedFile), false, limit));
    TRACKWAY_TRY(check_output(output.values.size() == 2, work.file(kEncodedFile)));
    opened.file_ = std::move(file);
    opened.offset_ = std::bit_cast<float>(static_cast<std::uint32_t>(output.values[0]));
    opened.step_ = std::bit_cast<float>(static_cast<std::uint32_t>(output.values[1]));
    return opened;
}

quant::ScalarCode EncodedVectors::code(VectorEncoding encoding, Metric metric,
                                       ElementType given) const noexcept {
    return {
        .encoding = encoding, .metric = metric, .given = given, .offset = offset_, .step = step_};
}

}  // namespace trackway::builder
