// hnswlib, whole in memory, on the same files: the yardstick beside which engine_report and
// compare.py set Trackway.
#include "base/errors.h"
#include "peer.h"

#include <filesystem>
#include <hnswlib/hnswlib.h>
#include <memory>
#include <string>
#include <vector>

namespace trackway::bench {
namespace {

constexpr std::size_t kEdges = 32;
constexpr std::size_t kEfConstruction = 100;

using Hnsw = hnswlib::HierarchicalNSW<float>;
using Space = hnswlib::SpaceInterface<float>;

class HnswAnswerer final : public Answerer {
public:
    explicit HnswAnswerer(const Hnsw& index) : index_(index) {}

    Status answer(const float* query, std::span<Neighbor> nearest) override {
        auto found = index_.searchKnn(query, nearest.size());
        for (; !found.empty(); found.pop())
            nearest[found.size() - 1] = {VectorId{found.top().second}, found.top().first};
        return {};
    }

private:
    const Hnsw& index_;
};

std::unique_ptr<Space> space_of(Metric metric, std::size_t dimension) {
    if (metric == Metric::kL2) return std::make_unique<hnswlib::L2Space>(dimension);
    return std::make_unique<hnswlib::InnerProductSpace>(dimension);
}

Status build(const PeerOptions& options) {
    TRACKWAY_TRY_ASSIGN(base, read_rows(options.base, options.distance()));
    const auto space = space_of(options.distance(), base.dimension);
    Hnsw index(space.get(), base.count(), kEdges, kEfConstruction);
    index.addPoint(base.row(0), 0);
    in_threads(base.count() - 1, options.threads,
               [&](std::size_t i) { index.addPoint(base.row(i + 1), i + 1); });
    index.saveIndex(options.index + ".partial");
    std::filesystem::rename(options.index + ".partial", options.index);
    return {};
}

Status run(const PeerOptions& options, const std::vector<std::size_t>& efs) {
    if (!std::filesystem::exists(options.index)) TRACKWAY_TRY(build(options));
    if (efs.empty()) return {};
    TRACKWAY_TRY_ASSIGN(file, VectorFile::open(options.queries));
    const auto space = space_of(options.distance(), file.dimension());
    Hnsw index(space.get(), options.index);
    TRACKWAY_TRY_ASSIGN(search, PeerSearch::open(options));
    for (const std::size_t ef : efs) {
        index.setEf(ef);
        TRACKWAY_TRY(search.run(base::join("\"ef\": ", ef), [&index] {
            return Result<std::unique_ptr<Answerer>>(std::make_unique<HnswAnswerer>(index));
        }));
    }
    return {};
}

}  // namespace
}  // namespace trackway::bench

int main(int count, char** arguments) {
    trackway::bench::PeerOptions options;
    std::vector<std::size_t> efs;
    CLI::App app{
        "Builds an hnswlib index (float32, M = 32, ef_construction = 100) unless it exists, and "
        "searches it; one line of JSON per ef.",
        "hnswlib_peer"};
    trackway::bench::add_peer_options(app, options);
    app.add_option("--ef", efs, "one row of results per value; without it, only built")
        ->delimiter(',');
    return trackway::bench::run_peer(app, count, arguments,
                                     [&] { return trackway::bench::run(options, efs); });
}
