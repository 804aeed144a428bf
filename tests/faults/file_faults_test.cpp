// One fault in the files of an index: searches give the right answers or an error, and
// verification finds it.
#include "trackway/builder.h"
#include "trackway/index.h"

#include "faults/fault_table.h"
#include "faults/single_fault.h"
#include "layouts/verify_index.h"
#include "support/built_index.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace trackway;
namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t kDimension = 6;
constexpr std::uint32_t kNeighbors = 5;
constexpr std::uint64_t kRepairEvery = 8;  // cases

// Sanitizers make a case ten times as dear.
std::uint64_t cases_wanted() {
    if (const char* text = std::getenv("TRACKWAY_FAULT_CASES")) return std::stoull(text);
    return TRACKWAY_SANITIZED ? 1000 : 24000;
}

// Where files are in memory, a case costs no time of a device.
fs::path fast_folder() {
    const fs::path memory = "/dev/shm";
    return access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path();
}

struct Kind {
    std::string name;
    std::uint64_t vectors;  // a shard takes 1,000 or more
    ElementType type;
    Metric metric;
    ShardOptions shards;
    VectorEncoding encoding;
};

const Kind kKinds[] = {{"two shards, one graph, float32, l2",
                        2000,
                        ElementType::kFloat32,
                        Metric::kL2,
                        {.count = 2},
                        VectorEncoding::kAsGiven},
                       {"one shard, sq8, cosine",
                        240,
                        ElementType::kFloat32,
                        Metric::kCosine,
                        {},
                        VectorEncoding::kSq8},
                       {"two separate shards, uint8, l2",
                        2000,
                        ElementType::kUint8,
                        Metric::kL2,
                        {.count = 2, .graphs = ShardGraphs::kSeparate},
                        VectorEncoding::kAsGiven},
                       {"one shard, float16, ip",
                        240,
                        ElementType::kFloat16,
                        Metric::kInnerProduct,
                        {},
                        VectorEncoding::kAsGiven}};

void build_kind(const Kind& kind, std::uint64_t seed, test::BuiltIndex& built) {
    build_into(built, test::random_vectors(kind.vectors, kDimension, kind.type, seed),
               [&](BuildOptions& options) {
                   options.metric = kind.metric;
                   options.shards = kind.shards;
                   options.layout.encoding = kind.encoding;
                   options.layout.keep_trace = kind.shards.graphs != ShardGraphs::kSeparate;
                   options.code_type = CodeType::kPq;
                   options.graph.max_degree = 8;
                   write_workload(built, 30);
               });
}

struct Tally {
    std::uint64_t tried = 0, errors = 0, right = 0, wrong = 0, unseen = 0, repaired = 0;

    void add(const Tally& other) {
        tried += other.tried;
        errors += other.errors;
        right += other.right;
        wrong += other.wrong;
        unseen += other.unseen;
        repaired += other.repaired;
    }
};

class Matrix {
public:
    // foreign: another index of this kind. others: indexes of the other kinds.
    Matrix(const Kind& kind, const fs::path& folder, const fs::path& foreign,
           std::span<const fs::path> others)
        : copy_(folder / "copy"), queries_(test::random_vectors(4, kDimension, kind.type, 7)) {
        test::BuiltIndex built;
        build_kind(kind, 1, built);
        fs::create_directories(folder);
        fs::copy(built.path(), folder / "index", fs::copy_options::recursive);
        fs::copy(built.path(), copy_, fs::copy_options::recursive);
        files_ = std::make_unique<test::FaultyFiles>(folder / "index", foreign, others);
        right_ = test::expect_value(answers());
        test::expect_ok(layouts::verify_index(files_->folder()));
    }

    std::uint64_t size() const { return files_->size(); }
    const Tally& tally(test::FaultKind kind) const {
        return tallies_[static_cast<std::size_t>(kind)];
    }

    // Every stride-th fault, and all of those that are few.
    void run(double stride) {
        for (std::uint64_t i = 0; i < files_->few(); ++i)
            run_one(files_->at(i));
        for (auto i = static_cast<double>(files_->few()); i < static_cast<double>(files_->size());
             i += stride)
            run_one(files_->at(static_cast<std::uint64_t>(i)));
    }

private:
    void run_one(const test::SingleFault& fault) {
        Tally& tally = tallies_[static_cast<std::size_t>(fault.kind)];
        files_->apply(fault);
        const auto found = answers();
        const Status sound = layouts::verify_index(files_->folder());
        if (tally.tried % kRepairEvery == 0) try_repair(fault, tally);
        files_->undo(fault);
        const bool is_harmless = fault.kind == test::FaultKind::kExtraFile;
        ++tally.tried;
        tally.errors += !found;
        tally.right += found && *found == right_;
        const bool is_wrong = found && *found != right_;
        const bool is_unseen = sound.has_value() != is_harmless || (is_harmless && !found);
        tally.wrong += is_wrong;
        tally.unseen += is_unseen;
        if (!is_wrong && !is_unseen) return;
        const std::string place = files_->describe(fault);
        CAPTURE(place);
        CHECK_FALSE(is_wrong);
        CHECK_FALSE(is_unseen);
    }

    // From a copy that is sound: every byte is as it was. A sound manifest of another index is not
    // overwritten.
    void try_repair(const test::SingleFault& fault, Tally& tally) {
        const std::string place = files_->describe(fault);
        CAPTURE(place);
        const auto report = repair(files_->folder(), copy_);
        const std::string message = report ? "" : report.error().message;
        CAPTURE(message);
        if (files_->is_other_index(fault)) {
            CHECK(!report);
            return;
        }
        CHECK(report.has_value());
        CHECK(files_->is_whole());
        ++tally.repaired;
    }

    // Ids and distances of all queries.
    Result<std::vector<std::pair<std::uint64_t, float>>> answers() const {
        OpenOptions options;
        options.thread_count = 1;
        options.queries_in_flight_per_thread = 2;
        TRACKWAY_TRY_ASSIGN(index, Index::open(files_->folder(), options));
        SearchParams params;
        params.k = kNeighbors;
        params.search_list_size = 40;
        params.beam_width = 1;
        std::vector<Neighbor> found(queries_.view.row_count * params.k);
        TRACKWAY_TRY(index.search(queries_.view, params, found));
        std::vector<std::pair<std::uint64_t, float>> answers;
        for (const Neighbor& neighbor : found)
            answers.emplace_back(static_cast<std::uint64_t>(neighbor.id), neighbor.distance);
        return answers;
    }

    fs::path copy_;
    test::Vectors queries_;
    std::unique_ptr<test::FaultyFiles> files_;
    std::vector<std::pair<std::uint64_t, float>> right_;
    std::array<Tally, test::kFaultKinds.size()> tallies_{};
};

}  // namespace

TEST_CASE("one fault in the files: right answers or an error, and verification finds it") {
    const test::TempFolder folder(fast_folder());
    std::vector<test::BuiltIndex> foreign(std::size(kKinds));
    std::vector<fs::path> paths;
    for (std::size_t i = 0; i < foreign.size(); ++i) {
        build_kind(kKinds[i], 2, foreign[i]);
        paths.push_back(foreign[i].path());
    }
    std::vector<Matrix> matrices;
    double all = 0;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        CAPTURE(kKinds[i].name);
        std::vector<fs::path> others = paths;
        others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
        matrices.emplace_back(kKinds[i], folder / std::to_string(i), paths[i], others);
        all += static_cast<double>(matrices.back().size());
    }
    const double stride = std::max(1.0, all / static_cast<double>(cases_wanted()));
    std::vector<std::thread> threads;
    for (Matrix& matrix : matrices)
        threads.emplace_back([&] { matrix.run(stride); });
    for (std::thread& thread : threads)
        thread.join();
    test::FaultTable table("faults of files",
                           {"tried", "errors", "right", "wrong", "unseen", "repaired"});
    for (const test::FaultKind kind : test::kFaultKinds) {
        Tally sum;
        for (const Matrix& matrix : matrices)
            sum.add(matrix.tally(kind));
        table.add(name_of(kind),
                  {sum.tried, sum.errors, sum.right, sum.wrong, sum.unseen, sum.repaired});
    }
    table.print();
}
