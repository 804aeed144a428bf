// faiss on the same files: HNSW whole in memory, or IVF-PQ codes in memory whose candidates are
// ranked by exact vectors read from disk.
#include "base/errors.h"
#include "distance/row_floats.h"
#include "peer.h"
#include "row_file.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVFPQ.h>
#include <faiss/index_io.h>
#include <faiss/utils/distances.h>
#include <filesystem>
#include <memory>
#include <omp.h>
#include <string>
#include <vector>

namespace trackway::bench {
namespace {

constexpr int kEdges = 32;
constexpr int kEfConstruction = 100;
constexpr std::size_t kBitsPerCode = 8;
constexpr int kTrainingRowsPerList = 64;

struct FaissOptions {
    PeerOptions peer;
    std::string kind;
    std::uint32_t code_bytes = 32;
    std::vector<int> efs;
    std::vector<std::size_t> probes;
    std::vector<std::size_t> candidates;

    std::string rows() const { return peer.index + ".rows"; }
};

faiss::MetricType metric_of(const FaissOptions& options) {
    return options.peer.distance() == Metric::kL2 ? faiss::METRIC_L2 : faiss::METRIC_INNER_PRODUCT;
}

// A query and its candidates of an index that searches const.
class Candidates {
public:
    explicit Candidates(std::size_t count) : distances_(count), ids_(count) {}

    std::span<const std::int64_t> find(const faiss::Index& index, const float* query) {
        const auto count = static_cast<faiss::Index::idx_t>(ids_.size());
        index.search(1, query, count, distances_.data(), ids_.data());
        const auto end = std::find(ids_.begin(), ids_.end(), -1);  // fewer were found
        return std::span(ids_).first(static_cast<std::size_t>(end - ids_.begin()));
    }
    float distance(std::size_t i) const { return distances_[i]; }

private:
    std::vector<float> distances_;
    std::vector<std::int64_t> ids_;
};

class HnswAnswerer final : public Answerer {
public:
    HnswAnswerer(const faiss::Index& index, std::size_t k) : index_(index), candidates_(k) {
        omp_set_num_threads(1);  // of this thread's own searches
    }

    Status answer(const float* query, std::span<Neighbor> nearest) override {
        const auto ids = candidates_.find(index_, query);
        for (std::size_t i = 0; i < ids.size(); ++i) {
            nearest[i] = {VectorId{static_cast<std::uint64_t>(ids[i])}, candidates_.distance(i)};
        }
        return {};
    }

private:
    const faiss::Index& index_;
    Candidates candidates_;
};

class RankingAnswerer final : public Answerer {
public:
    struct Setup {
        const faiss::Index& index;
        const io::File& rows;
        ElementType type;
        Metric metric;
        std::size_t candidates;
    };

    static Result<std::unique_ptr<Answerer>> open(const Setup& setup) {
        omp_set_num_threads(1);
        const auto dimension = static_cast<std::size_t>(setup.index.d);
        TRACKWAY_TRY_ASSIGN(reader,
                            RowReader::open(setup.rows, dimension * element_size_bytes(setup.type),
                                            setup.candidates));
        return std::unique_ptr<Answerer>(new RankingAnswerer(setup, std::move(reader)));
    }

    Status answer(const float* query, std::span<Neighbor> nearest) override {
        const auto ids = candidates_.find(setup_.index, query);
        TRACKWAY_TRY_ASSIGN(pages, reader_->read(ids));
        pages_read_ += pages;
        ranked_.clear();
        for (const std::int64_t id : ids) {
            distance::row_floats(reader_->row(id), setup_.type, setup_.metric, row_);
            ranked_.push_back({VectorId{static_cast<std::uint64_t>(id)}, distance_to(query)});
        }
        const auto count = std::min(nearest.size(), ranked_.size());
        const auto end = ranked_.begin() + static_cast<std::ptrdiff_t>(count);
        std::partial_sort(
            ranked_.begin(), end, ranked_.end(),
            [](const Neighbor& a, const Neighbor& b) { return a.distance < b.distance; });
        std::copy(ranked_.begin(), end, nearest.begin());
        return {};
    }

private:
    RankingAnswerer(const Setup& setup, std::unique_ptr<RowReader> reader)
        : setup_(setup),
          reader_(std::move(reader)),
          candidates_(setup.candidates),
          row_(static_cast<std::size_t>(setup.index.d)) {}

    float distance_to(const float* query) const {
        if (setup_.metric == Metric::kL2) return faiss::fvec_L2sqr(query, row_.data(), row_.size());
        return -faiss::fvec_inner_product(query, row_.data(), row_.size());
    }

    Setup setup_;
    std::unique_ptr<RowReader> reader_;
    Candidates candidates_;
    std::vector<float> row_;
    std::vector<Neighbor> ranked_;
};

// The largest number of codes, up to so many, that divides the dimension.
std::size_t code_count(std::size_t dimension, std::size_t most) {
    std::size_t count = std::min(dimension, most);
    while (dimension % count != 0)
        --count;
    return count;
}

// About four lists for each root of the number of vectors, as faiss advises; a power of two.
std::size_t list_count(std::size_t vectors) {
    const double root = std::sqrt(static_cast<double>(vectors));
    return std::bit_floor(static_cast<std::size_t>(std::max(1.0, 4 * root)));
}

void save(const faiss::Index& index, const std::string& path) {
    faiss::write_index(&index, (path + ".partial").c_str());
    std::filesystem::rename(path + ".partial", path);
}

Status build(const FaissOptions& options) {
    omp_set_num_threads(static_cast<int>(options.peer.threads));
    TRACKWAY_TRY_ASSIGN(base, read_rows(options.peer.base, options.peer.distance()));
    const auto count = static_cast<faiss::Index::idx_t>(base.count());
    const auto dimension = static_cast<int>(base.dimension);
    if (options.kind == "hnsw") {
        faiss::IndexHNSWFlat index(dimension, kEdges, metric_of(options));
        index.hnsw.efConstruction = kEfConstruction;
        index.add(count, base.values.data());
        save(index, options.peer.index);
        return {};
    }
    TRACKWAY_TRY(write_row_file(options.peer.base, options.rows()));
    faiss::IndexFlat lists(dimension, metric_of(options));
    faiss::IndexIVFPQ index(&lists, base.dimension, list_count(base.count()),
                            code_count(base.dimension, options.code_bytes), kBitsPerCode,
                            metric_of(options));
    index.cp.max_points_per_centroid = kTrainingRowsPerList;
    index.train(count, base.values.data());
    index.add(count, base.values.data());
    save(index, options.peer.index);
    return {};
}

Status search_hnsw(const FaissOptions& options, faiss::IndexHNSW& index) {
    TRACKWAY_TRY_ASSIGN(search, PeerSearch::open(options.peer));
    for (const int ef : options.efs) {
        index.hnsw.efSearch = ef;
        TRACKWAY_TRY(search.run(base::join("\"ef\": ", ef), [&] {
            return Result<std::unique_ptr<Answerer>>(
                std::make_unique<HnswAnswerer>(index, options.peer.k));
        }));
    }
    return {};
}

Status search_ivfpq(const FaissOptions& options, faiss::IndexIVFPQ& index) {
    TRACKWAY_TRY_ASSIGN(search, PeerSearch::open(options.peer));
    TRACKWAY_TRY_ASSIGN(vectors, VectorFile::open(options.peer.base));
    TRACKWAY_TRY_ASSIGN(rows, io::File::open_direct(options.rows()));
    for (std::size_t i = 0; i < options.probes.size(); ++i) {
        index.nprobe = options.probes[i];
        const std::string setting = base::join(
            "\"probes\": ", options.probes[i], ", \"candidates\": ", options.candidates[i],
            ", \"lists\": ", index.nlist, ", \"code_bytes\": ", index.code_size,
            ", \"direct_io\": ", rows.is_direct() ? "true" : "false");
        TRACKWAY_TRY(search.run(setting, [&] {
            return RankingAnswerer::open({index, rows, vectors.element_type(),
                                          options.peer.distance(), options.candidates[i]});
        }));
    }
    return {};
}

Status run(const FaissOptions& options) {
    if (!std::filesystem::exists(options.peer.index)) TRACKWAY_TRY(build(options));
    if (options.efs.empty() && options.probes.empty()) return {};
    if (options.probes.size() != options.candidates.size()) {
        return base::fail(ErrorCode::kInvalidArgument,
                          "--probes and --candidates differ in number");
    }
    const std::unique_ptr<faiss::Index> index(faiss::read_index(options.peer.index.c_str()));
    if (auto* hnsw = dynamic_cast<faiss::IndexHNSW*>(index.get()); hnsw && !options.efs.empty())
        return search_hnsw(options, *hnsw);
    if (auto* lists = dynamic_cast<faiss::IndexIVFPQ*>(index.get()); lists && options.efs.empty())
        return search_ivfpq(options, *lists);
    return base::fail(ErrorCode::kInvalidArgument,
                      base::join(options.peer.index, ": not an index of --kind ", options.kind));
}

}  // namespace
}  // namespace trackway::bench

int main(int count, char** arguments) {
    trackway::bench::FaissOptions options;
    CLI::App app{
        "Builds a faiss index (HNSW: M = 32, efConstruction = 100; IVF-PQ beside a file of the "
        "exact vectors) unless it exists, and searches it; one line of JSON per setting.",
        "faiss_peer"};
    trackway::bench::add_peer_options(app, options.peer);
    app.add_option("--kind", options.kind, "hnsw or ivfpq")
        ->check(CLI::IsMember({"hnsw", "ivfpq"}))
        ->required();
    app.add_option("--code-bytes", options.code_bytes,
                   "ivfpq: most bytes of a code; as many as divide the dimension are taken")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
    app.add_option("--ef", options.efs, "hnsw: one row of results per value; else only built")
        ->delimiter(',');
    app.add_option("--probes", options.probes, "ivfpq: lists visited, one row per value")
        ->delimiter(',');
    app.add_option("--candidates", options.candidates,
                   "ivfpq: candidates that are read from disk and ranked, for each of --probes")
        ->delimiter(',');
    return trackway::bench::run_peer(app, count, arguments,
                                     [&] { return trackway::bench::run(options); });
}
