#include "dataset_families.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace trackway::tools {
namespace {

constexpr double kNoise = 0.05;

std::vector<float> drawn_normal(base::Random& random, std::size_t count, double scale) {
    std::vector<float> values(count);
    for (float& value : values)
        value = static_cast<float>(random.normal() * scale);
    return values;
}

// out += weight * direction.
void add_scaled(std::span<float> out, const float* direction, float weight) {
    for (std::size_t d = 0; d < out.size(); ++d)
        out[d] += weight * direction[d];
}

// Clusters that share one random subspace of the intrinsic dimension, each around its own centre,
// with a little noise in all directions. Queries from outside keep less of the subspace's signal,
// move off along one fixed direction and carry more noise: like texts that ask for images.
class ClusteredFamily final : public Family {
public:
    explicit ClusteredFamily(const FamilyOptions& options)
        : dimension_(options.dimension), intrinsic_(options.intrinsic_dimension) {
        base::Random random(options.seed);
        const double unit = 1 / std::sqrt(double{static_cast<double>(intrinsic_)});
        basis_ = drawn_normal(random, std::size_t{intrinsic_} * dimension_, unit);
        centres_ =
            drawn_normal(random, std::size_t{options.clusters} * intrinsic_, options.topic_spread);
        gap_ = drawn_normal(random, dimension_, kGap);
    }

    void draw(base::Random& random, std::size_t topic, bool outside,
              std::span<float> out) const override {
        const float* centre = centres_.data() + topic * intrinsic_;
        const double noise = outside ? kOutsideNoise : kNoise;
        const double signal = outside ? kOutsideSignal : 1;
        for (std::uint32_t d = 0; d < dimension_; ++d)
            out[d] = static_cast<float>(noise * random.normal()) + (outside ? gap_[d] : 0);
        for (std::uint32_t i = 0; i < intrinsic_; ++i) {
            const auto weight = static_cast<float>(signal * (double{centre[i]} + random.normal()));
            add_scaled(out, basis_.data() + std::size_t{i} * dimension_, weight);
        }
    }

private:
    static constexpr double kGap = 0.3;
    static constexpr double kOutsideNoise = 0.25;
    static constexpr double kOutsideSignal = 0.8;

    std::uint32_t dimension_;
    std::uint32_t intrinsic_;
    std::vector<float> basis_;
    std::vector<float> centres_;
    std::vector<float> gap_;
};

// Two modalities of one latent thing, as a model that embeds images and texts makes them. A thing
// is a point of the latent space, around the centre of its topic; both modalities see it through
// the same curved features, each maps those to a row with a map of its own. The maps agree for the
// most part; each modality lies in a cone of its own around its mean row, the gap; and what
// queries (texts) say is less exact: they carry more noise.
class CrossModalFamily final : public Family {
public:
    explicit CrossModalFamily(const FamilyOptions& options)
        : intrinsic_(options.intrinsic_dimension), features_(std::size_t{4} * intrinsic_) {
        base::Random random(options.seed);
        const std::size_t dimension = options.dimension;
        const double spread = options.topic_spread;
        const double latent_length = std::sqrt(options.intrinsic_dimension * (1 + spread * spread));
        const double gap = options.modality_gap;
        const double disagreement = kDisagreement * gap;
        const double length = std::sqrt(1 + disagreement * disagreement);
        centres_ = drawn_normal(random, std::size_t{options.clusters} * intrinsic_, spread);
        bends_ = drawn_normal(random, features_ * intrinsic_, kBend / latent_length);
        own_map_ = drawn_normal(random, features_ * dimension,
                                kSignal / std::sqrt(static_cast<double>(features_)));
        outside_map_ =
            drawn_normal(random, features_ * dimension,
                         disagreement * kSignal / std::sqrt(static_cast<double>(features_)));
        for (std::size_t i = 0; i < own_map_.size(); ++i) {
            outside_map_[i] =
                static_cast<float>((double{own_map_[i]} + double{outside_map_[i]}) / length);
        }
        own_mean_ = drawn_normal(random, dimension, kCone);
        outside_mean_ = drawn_normal(random, dimension, kGap * gap);
        add_scaled(outside_mean_, own_mean_.data(), 1);
        outside_noise_ = std::sqrt(kNoise * kNoise + kOutsideNoise * kOutsideNoise * gap * gap);
    }

    void draw(base::Random& random, std::size_t topic, bool outside,
              std::span<float> out) const override {
        const float* centre = centres_.data() + topic * intrinsic_;
        std::vector<double> latent(intrinsic_);
        for (std::size_t i = 0; i < intrinsic_; ++i)
            latent[i] = double{centre[i]} + random.normal();
        const std::vector<float>& mean = outside ? outside_mean_ : own_mean_;
        const std::vector<float>& map = outside ? outside_map_ : own_map_;
        const double noise = outside ? outside_noise_ : kNoise;
        for (std::size_t d = 0; d < out.size(); ++d)
            out[d] = mean[d] + static_cast<float>(noise * random.normal());
        for (std::size_t f = 0; f < features_; ++f) {
            double sum = 0;
            for (std::size_t i = 0; i < intrinsic_; ++i)
                sum += double{bends_[f * intrinsic_ + i]} * latent[i];
            const double feature = sum / std::sqrt(1 + sum * sum);  // bounded
            add_scaled(out, map.data() + f * out.size(), static_cast<float>(feature));
        }
    }

private:
    static constexpr double kBend = 0.6;    // in units of the features' bound
    static constexpr double kSignal = 2.0;  // the features' part of an element has variance 1
    static constexpr double kCone = 0.5;
    // With a modality gap of 1.
    static constexpr double kGap = 0.25;
    static constexpr double kDisagreement = 0.35;
    static constexpr double kOutsideNoise = 0.25;

    std::size_t intrinsic_;
    std::size_t features_;
    std::vector<float> centres_;
    std::vector<float> bends_;
    std::vector<float> own_map_;
    std::vector<float> outside_map_;
    std::vector<float> own_mean_;
    std::vector<float> outside_mean_;
    double outside_noise_ = kNoise;
};

}  // namespace

std::unique_ptr<Family> make_family(const FamilyOptions& options) {
    if (options.kind == FamilyKind::kCrossModal) return std::make_unique<CrossModalFamily>(options);
    return std::make_unique<ClusteredFamily>(options);
}

}  // namespace trackway::tools
