#include "build/judging_queries.h"

#include "base/aligned_buffer.h"
#include "base/checksum.h"
#include "build/bridges.h"
#include "graph/exact_scan.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>

namespace trackway::builder {
namespace {

// With so many, the recall measured is within a quarter of a per cent of that of all such queries
// (two standard deviations; 1,024 queries of sift250k were 0.7 % off).
constexpr std::uint64_t kQueries = 3072;
// Of a separate shard fewer do: what one misjudges others make good.
constexpr std::uint64_t kQueriesOfShard = 512;
// Searching few vectors costs little whatever the setting: there, one query for so many of them.
constexpr std::uint64_t kVectorsPerQuery = 10;
constexpr std::uint64_t kQueriesLeast = 128;
constexpr std::uint64_t kLeftOutMost = 8192;

// Rows by their bytes.
class RowsByBytes {
public:
    explicit RowsByBytes(const MatrixView& rows) : rows_(rows) {}

    // The number of an equal row that was added before; none: its own number from now on.
    std::optional<std::size_t> add(const std::byte* row) {
        if (const auto equal = find(row)) return equal;
        numbers_.emplace(hash_of(row), added_.size());
        added_.push_back(row);
        return std::nullopt;
    }

    std::optional<std::size_t> find(const std::byte* row) const {
        const auto [begin, end] = numbers_.equal_range(hash_of(row));
        for (auto at = begin; at != end; ++at) {
            if (std::memcmp(added_[at->second], row, rows_.row_bytes()) == 0) return at->second;
        }
        return std::nullopt;
    }

private:
    std::uint64_t hash_of(const std::byte* row) const {
        return base::checksum64({row, rows_.row_bytes()});
    }

    MatrixView rows_;  // their shape
    std::vector<const std::byte*> added_;
    std::unordered_multimap<std::uint64_t, std::size_t> numbers_;
};

// Numbers of distinct queries of the half that judges.
std::vector<std::uint64_t> distinct_judges(const MatrixView& queries) {
    RowsByBytes seen(queries);
    std::vector<std::uint64_t> numbers;
    for (std::uint64_t number = 1; number < queries.row_count; number += 2) {
        if (!seen.add(queries.row(number))) numbers.push_back(number);
    }
    if (numbers.empty()) numbers.push_back(0);
    return numbers;
}

base::AlignedBuffer gather(const MatrixView& queries, std::span<const std::uint64_t> numbers) {
    base::AlignedBuffer rows(numbers.size() * queries.row_bytes());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        std::memcpy(rows.data() + i * queries.row_bytes(), queries.row(numbers[i]),
                    queries.row_bytes());
    }
    return rows;
}

// The vertices that are the same vector as a query, for each query.
std::vector<std::vector<std::uint32_t>> same_vertices(const MatrixView& queries,
                                                      const MatrixView& given,
                                                      const base::Arena& arena) {
    RowsByBytes by_bytes(queries);
    for (std::uint64_t i = 0; i < queries.row_count; ++i)
        by_bytes.add(queries.row(i));
    std::vector<std::vector<std::uint32_t>> same(queries.row_count);
    for (std::uint32_t v = 0; v < given.row_count && !arena.stopped(); ++v) {
        if (const auto query = by_bytes.find(given.row(v))) same[*query].push_back(v);
    }
    return same;
}

// So many of them, at equal distances.
std::vector<std::uint64_t> spread(std::span<const std::uint64_t> numbers, std::uint64_t most) {
    const std::uint64_t count = std::min<std::uint64_t>(numbers.size(), most);
    std::vector<std::uint64_t> some;
    for (std::uint64_t i = 0; i < count; ++i)
        some.push_back(numbers[i * numbers.size() / count]);
    return some;
}

// So many queries that no more than kLeftOutMost vertices get bridges around them, or as many as
// say enough: copies multiply them. Tells whether any went.
bool thin_out(std::vector<std::uint64_t>& chosen, std::vector<std::vector<std::uint32_t>>& same) {
    std::uint64_t left_out = 0;
    for (const auto& vertices : same)
        left_out += vertices.size() <= kCopiesBridged ? vertices.size() : 0;
    if (left_out <= kLeftOutMost || same.size() <= kQueriesOfShard) return false;
    const std::uint64_t count =
        std::max<std::uint64_t>(same.size() * kLeftOutMost / left_out, kQueriesOfShard);
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t from = i * same.size() / count;
        if (from == i) continue;
        chosen[i] = chosen[from];
        same[i] = std::move(same[from]);
    }
    chosen.resize(count);
    same.resize(count);
    return true;
}

}  // namespace

JudgingQueries find_judging_queries(const Workload& workload, const MatrixView& given,
                                    const VertexNumbers& numbers, Metric metric,
                                    const base::Arena& arena) {
    JudgingQueries judging;
    judging.workload = &workload;
    judging.k =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(kNeighborsSought, given.row_count));
    const std::uint64_t part = kQueries * given.row_count / numbers.row_count();
    const std::uint64_t worth = std::max(given.row_count / kVectorsPerQuery, kQueriesLeast);
    const std::uint64_t most = std::min(std::max(part, kQueriesOfShard), worth);
    const MatrixView& queries = workload.given();
    std::vector<std::uint64_t> chosen = spread(distinct_judges(queries), most);
    const auto asked_of = [&](const base::AlignedBuffer& rows) {
        return MatrixView{rows.data(), given.element_type, chosen.size(), given.dimension};
    };
    base::AlignedBuffer rows = gather(queries, chosen);
    auto same = same_vertices(asked_of(rows), given, arena);
    if (thin_out(chosen, same)) rows = gather(queries, chosen);
    const MatrixView asked = asked_of(rows);
    const bool is_any_left = std::any_of(same.begin(), same.end(), [&](const auto& vertices) {
        return given.row_count - vertices.size() >= judging.k;
    });
    if (!is_any_left) same.assign(1, {});
    graph::ExactScan scan(asked, metric, judging.k);
    for (std::size_t i = 0; i < same.size(); ++i)
        scan.exclude(i, same[i]);
    scan.add(given, 0, arena);
    for (std::size_t i = 0; i < same.size(); ++i) {
        const graph::Frontier& found = scan.nearest()[i];
        if (found.size() < judging.k) continue;
        judging.numbers.push_back(chosen[i]);
        judging.same.push_back(std::move(same[i]));
        graph::Frontier& truth = judging.truth.emplace_back();
        truth.reset(judging.k);
        for (const graph::Candidate& candidate : found.list())
            truth.insert({candidate.distance, numbers.row(candidate.vertex), 0});
    }
    return judging;
}

}  // namespace trackway::builder
