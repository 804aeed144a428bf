#include "build/judging_queries.h"

#include "base/aligned_buffer.h"
#include "graph/exact_scan.h"

#include <algorithm>
#include <cstring>

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

}  // namespace

JudgingQueries find_judging_queries(const Workload& workload, const MatrixView& given,
                                    const VertexNumbers& numbers, Metric metric,
                                    const base::Arena& arena) {
    JudgingQueries judging;
    judging.workload = &workload;
    judging.k =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(kNeighborsSought, given.row_count));
    const std::uint64_t count = workload.given().row_count;
    const std::uint64_t half = std::max<std::uint64_t>(count / 2, 1);
    const std::uint64_t part = kQueries * given.row_count / numbers.row_count();
    const std::uint64_t worth = std::max(given.row_count / kVectorsPerQuery, kQueriesLeast);
    const std::uint64_t used = std::min({half, std::max(part, kQueriesOfShard), worth});
    base::AlignedBuffer rows(used * given.row_bytes());
    for (std::uint64_t i = 0; i < used; ++i) {
        judging.numbers.push_back(std::min(i * half / used * 2 + 1, count - 1));
        std::memcpy(rows.data() + i * given.row_bytes(),
                    workload.given().row(judging.numbers.back()), given.row_bytes());
    }
    graph::ExactScan scan({rows.data(), given.element_type, used, given.dimension}, metric,
                          judging.k);
    scan.add(given, 0, arena);
    for (const graph::Frontier& found : scan.nearest()) {
        graph::Frontier& truth = judging.truth.emplace_back();
        truth.reset(judging.k);
        for (const graph::Candidate& candidate : found.list())
            truth.insert({candidate.distance, numbers.row(candidate.vertex), 0});
    }
    return judging;
}

}  // namespace trackway::builder
