#include "quant/kmeans.h"

#include "base/assert.h"
#include "base/random.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace trackway::quant {
namespace {

using distance::Codebook;
using distance::kCodewords;

constexpr std::size_t kBlock = 4096;  // rows summed together; fixed, so that sums do not depend
                                      // on the number of threads

// What one block of rows adds to the next centroids, and its worst-served row.
struct BlockSums {
    std::vector<double> sums;  // kCodewords x dimension
    std::vector<std::uint32_t> counts;
    std::vector<std::pair<float, std::uint32_t>> farthest;  // (distance, row), one
};

class Trainer {
public:
    Trainer(const FloatRows& rows, const KmeansOptions& options, const base::Arena& arena)
        : rows_(rows),
          options_(options),
          arena_(arena),
          centroids_(std::size_t{rows.dimension} * kCodewords),
          blocks_((rows.count() + kBlock - 1) / kBlock) {}

    std::vector<float> train() {
        choose_first();
        for (std::uint32_t i = 0; i < options_.iterations && !arena_.stopped(); ++i) {
            assign();
            if (!arena_.stopped()) update();
        }
        return std::move(centroids_);
    }

private:
    Codebook codebook() const { return {centroids_.data(), rows_.dimension}; }

    void set_centroid(std::uint32_t c, const float* values) {
        for (std::uint32_t d = 0; d < rows_.dimension; ++d)
            centroids_[d * std::size_t{kCodewords} + c] = values[d];
    }

    bool same_rows(const float* a, const float* b) const {
        return std::equal(a, a + rows_.dimension, b);
    }

    // Random rows, passing over repeats; what is missing then repeats the first.
    void choose_first() {
        base::Random random(options_.seed);
        const auto order =
            base::random_permutation(static_cast<std::uint32_t>(rows_.count()), random);
        std::vector<const float*> chosen;
        const std::size_t tries = std::min(order.size(), std::size_t{4} * kCodewords);
        for (std::size_t i = 0; i < tries && chosen.size() < kCodewords; ++i) {
            const float* row = rows_.row(order[i]);
            const bool repeat = std::any_of(chosen.begin(), chosen.end(),
                                            [&](const float* c) { return same_rows(c, row); });
            if (!repeat) chosen.push_back(row);
        }
        for (std::uint32_t c = 0; c < kCodewords; ++c)
            set_centroid(c, chosen[c < chosen.size() ? c : 0]);
    }

    void assign() {
        const distance::KernelTable& kernels = distance::kernels();
        arena_.parallel_for(rows_.count(), kBlock, [&](std::size_t begin, std::size_t end, auto) {
            BlockSums& block = blocks_[begin / kBlock];
            block.sums.assign(std::size_t{kCodewords} * rows_.dimension, 0);
            block.counts.assign(kCodewords, 0);
            block.farthest.clear();
            for (std::size_t i = begin; i < end; ++i) {
                const float* row = rows_.row(i);
                const std::uint32_t c = kernels.nearest_codeword(row, codebook());
                ++block.counts[c];
                for (std::uint32_t d = 0; d < rows_.dimension; ++d)
                    block.sums[std::size_t{c} * rows_.dimension + d] += double{row[d]};
                keep_farthest(block, i, c);
            }
        });
    }

    void keep_farthest(BlockSums& block, std::size_t row, std::uint32_t centroid) const {
        float distance = 0;
        for (std::uint32_t d = 0; d < rows_.dimension; ++d) {
            const float difference =
                rows_.row(row)[d] - centroids_[d * std::size_t{kCodewords} + centroid];
            distance += difference * difference;
        }
        if (block.farthest.empty()) {
            block.farthest.emplace_back(distance, static_cast<std::uint32_t>(row));
        } else if (distance > block.farthest.front().first) {
            block.farthest.front() = {distance, static_cast<std::uint32_t>(row)};
        }
    }

    void update() {
        BlockSums total;
        total.sums.assign(std::size_t{kCodewords} * rows_.dimension, 0);
        total.counts.assign(kCodewords, 0);
        for (const BlockSums& block : blocks_) {
            for (std::size_t i = 0; i < total.sums.size(); ++i)
                total.sums[i] += block.sums[i];
            for (std::uint32_t c = 0; c < kCodewords; ++c)
                total.counts[c] += block.counts[c];
            total.farthest.insert(total.farthest.end(), block.farthest.begin(),
                                  block.farthest.end());
        }
        std::sort(total.farthest.begin(), total.farthest.end(), [](const auto& a, const auto& b) {
            return a.first > b.first || (a.first == b.first && a.second < b.second);
        });
        std::size_t next_far = 0;
        std::vector<float> mean(rows_.dimension);
        for (std::uint32_t c = 0; c < kCodewords; ++c) {
            if (total.counts[c] > 0) {
                for (std::uint32_t d = 0; d < rows_.dimension; ++d) {
                    mean[d] = static_cast<float>(total.sums[std::size_t{c} * rows_.dimension + d] /
                                                 total.counts[c]);
                }
                set_centroid(c, mean.data());
            } else if (next_far < total.farthest.size() && total.farthest[next_far].first > 0) {
                set_centroid(c, rows_.row(total.farthest[next_far++].second));
            }
        }
    }

    const FloatRows& rows_;
    KmeansOptions options_;
    const base::Arena& arena_;
    std::vector<float> centroids_;
    std::vector<BlockSums> blocks_;
};

}  // namespace

std::vector<float> train_codebook(const FloatRows& rows, const KmeansOptions& options,
                                  const base::Arena& arena) {
    TRACKWAY_ASSERT(rows.dimension > 0 && rows.count() > 0);
    return Trainer(rows, options, arena).train();
}

}  // namespace trackway::quant
