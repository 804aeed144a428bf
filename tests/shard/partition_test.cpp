#include "shard/partition.h"

#include "support/random_vectors.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <vector>

using namespace trackway;
using namespace trackway::shard;

namespace {

struct Assigned {
    std::vector<std::uint16_t> homes;
    std::vector<Replica> replicas;
    std::vector<std::uint64_t> counts;
};

Assigned assign(const Partition& partition, const MatrixView& rows, std::uint32_t threads,
                std::uint64_t step) {
    const base::Arena arena(threads);
    Assigner assigner(partition, Metric::kL2, rows.row_count);
    for (std::uint64_t first = 0; first < rows.row_count; first += step) {
        assigner.add({rows.row(first), rows.element_type, std::min(step, rows.row_count - first),
                      rows.dimension},
                     arena);
    }
    const auto homes = assigner.homes();
    const auto replicas = assigner.replicas();
    const auto counts = assigner.home_counts();
    return {{homes.begin(), homes.end()},
            {replicas.begin(), replicas.end()},
            {counts.begin(), counts.end()}};
}

void check_balanced(const Assigned& assigned, std::uint64_t rows, std::uint32_t shards) {
    CHECK(assigned.homes.size() == rows);
    for (const std::uint64_t count : assigned.counts) {
        CHECK(count > 0);
        CHECK(count <= Assigner::home_max(rows, shards));
    }
}

test::Vectors same_vectors(std::uint64_t rows, std::uint32_t different) {
    auto vectors = test::random_vectors(rows, 6, ElementType::kFloat32, 1);
    const std::size_t row_bytes = vectors.view.row_bytes();
    for (std::uint64_t i = different; i < rows; ++i) {
        std::memcpy(vectors.bytes.data() + i * row_bytes,
                    vectors.bytes.data() + i % different * row_bytes, row_bytes);
    }
    return vectors;
}

}  // namespace

TEST_SUITE("shard") {
    TEST_CASE("every row has one home, shards are balanced, replicas stay within the factor") {
        const auto vectors = test::random_vectors(8000, 10, ElementType::kUint8, 5);
        for (const std::uint32_t shards : {2U, 4U, 7U}) {
            CAPTURE(shards);
            const Partition partition =
                train_partition(vectors.view, Metric::kL2, {},
                                {.shards = shards, .replica_factor = 1.8}, base::Arena(2));
            const Assigned assigned = assign(partition, vectors.view, 2, 1000);
            check_balanced(assigned, 8000, shards);
            CHECK(assigned.replicas.size() <= 6400);
            CHECK(assigned.replicas.size() > 4000);
            for (const Replica& replica : assigned.replicas) {
                REQUIRE(replica.shard < shards);
                CHECK(replica.shard != assigned.homes[replica.row]);
            }
        }
    }

    TEST_CASE("threads and blocks change nothing") {
        const auto vectors = test::random_vectors(3000, 8, ElementType::kFloat16, 6);
        const auto queries = test::random_vectors(300, 8, ElementType::kFloat16, 7);
        const MatrixView half{queries.view.data, ElementType::kFloat16, 150, 8};
        const MatrixView other{queries.view.row(150), ElementType::kFloat16, 150, 8};
        const auto partition_with = [&](std::uint32_t threads) {
            return train_partition(vectors.view, Metric::kL2, {half, other},
                                   {.shards = 4, .replica_factor = 1.5}, base::Arena(threads));
        };
        const Partition one = partition_with(1);
        const Partition four = partition_with(4);
        CHECK(one.shard_of == four.shard_of);
        CHECK(one.replica_ratio == four.replica_ratio);
        CHECK(one.workload_weight == four.workload_weight);
        const Assigned a = assign(one, vectors.view, 1, 3000);
        const Assigned b = assign(four, vectors.view, 4, 77);
        CHECK(a.homes == b.homes);
        CHECK(a.replicas.size() == b.replicas.size());
    }

    TEST_CASE("equal vectors are spread over the shards") {
        for (const std::uint32_t different : {1U, 2U, 5U}) {
            CAPTURE(different);
            const auto vectors = same_vectors(4000, different);
            const Partition partition =
                train_partition(vectors.view, Metric::kL2, {}, {.shards = 8, .replica_factor = 1.3},
                                base::Arena(2));
            check_balanced(assign(partition, vectors.view, 2, 512), 4000, 8);
        }
    }

    TEST_CASE("a workload far away from all vectors does no harm") {
        const auto vectors = test::random_vectors(4000, 6, ElementType::kFloat32, 1);
        auto queries = test::random_vectors(200, 6, ElementType::kFloat32, 2);
        for (std::size_t i = 0; i < queries.bytes.size(); i += 4)
            test::store(ElementType::kFloat32, 1e6F, queries.bytes.data() + i);
        const MatrixView half{queries.view.data, ElementType::kFloat32, 100, 6};
        const MatrixView other{queries.view.row(100), ElementType::kFloat32, 100, 6};
        const Partition partition =
            train_partition(vectors.view, Metric::kL2, {half, other},
                            {.shards = 5, .replica_factor = 1.8}, base::Arena(2));
        check_balanced(assign(partition, vectors.view, 2, 512), 4000, 5);
    }

    TEST_CASE("the weight is learned, and what it is learned from is reported") {
        const auto vectors = test::random_vectors(4000, 8, ElementType::kFloat32, 1);
        const auto queries = test::random_vectors(600, 8, ElementType::kFloat32, 2);
        const MatrixView half{queries.view.data, ElementType::kFloat32, 300, 8};
        const MatrixView other{queries.view.row(300), ElementType::kFloat32, 300, 8};
        const PartitionQueries both{half, other};
        const base::Arena arena(2);
        const Partition learned =
            train_partition(vectors.view, Metric::kL2, both, {.shards = 4}, arena);
        REQUIRE(learned.trials.size() > 3);
        for (const WeightTrial& trial : learned.trials) {
            CHECK(trial.shards_per_query >= 1);
            CHECK(trial.shards_per_query <= 4);
        }
        const Partition given = train_partition(vectors.view, Metric::kL2, both,
                                                {.shards = 4, .workload_weight = 3.0}, arena);
        CHECK(given.workload_weight == 3);
        CHECK(given.trials.empty());
        const Partition none = train_partition(vectors.view, Metric::kL2, {}, {.shards = 4}, arena);
        CHECK(none.workload_weight == 0);
    }
}
