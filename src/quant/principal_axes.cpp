#include "quant/principal_axes.h"

#include "base/assert.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

namespace trackway::quant {
namespace {

constexpr std::size_t kRowsMax = 16'384;

using Matrix = Eigen::MatrixXf;

// Of rows spread evenly over the sample.
Matrix covariance(std::span<const float> sample, std::uint32_t dimension) {
    const std::size_t rows = sample.size() / dimension;
    const std::size_t used = std::min(rows, kRowsMax);
    Matrix picked(dimension, used);
    for (std::size_t i = 0; i < used; ++i) {
        const float* row = sample.data() + i * rows / used * dimension;
        picked.col(static_cast<Eigen::Index>(i)) =
            Eigen::Map<const Eigen::VectorXf>(row, static_cast<Eigen::Index>(dimension));
    }
    // The scale does not matter, but squares must stay within range.
    const float largest = picked.cwiseAbs().maxCoeff();
    if (largest > 0) picked /= largest;
    const Eigen::VectorXf mean = picked.rowwise().mean();
    picked.colwise() -= mean;
    Matrix sum = Matrix::Zero(dimension, dimension);
    sum.selfadjointView<Eigen::Lower>().rankUpdate(picked);
    return sum / static_cast<float>(used);
}

}  // namespace

std::vector<float> balanced_principal_axes(std::span<const float> sample,
                                           const Subspaces& subspaces) {
    const std::uint32_t dimension = subspaces.dimension();
    TRACKWAY_ASSERT(sample.size() >= dimension);
    // Sums are made in blocks of these sizes, not of those of the CPU at hand: the same axes on
    // all.
    Eigen::setCpuCacheSizes(32 << 10, 512 << 10, 4 << 20);
    const Eigen::SelfAdjointEigenSolver<Matrix> solver(covariance(sample, dimension));
    // Rising. Logarithms above that of the least make any scale of the data the same.
    const Eigen::VectorXf& variances = solver.eigenvalues();
    const float most = std::max(variances[dimension - 1], 1e-30F);
    const auto weight = [&](std::uint32_t i) {
        const float least = std::max(variances[0], most * 1e-6F);
        return std::log(std::max(variances[i], least) / least);
    };
    std::vector<float> axes(std::size_t{dimension} * dimension);
    std::vector<std::uint32_t> filled(subspaces.count(), 0);
    std::vector<float> products(subspaces.count(), 0);  // as logarithms
    for (std::uint32_t i = dimension; i-- > 0;) {
        std::uint32_t best = subspaces.count();
        for (std::uint32_t s = 0; s < subspaces.count(); ++s) {
            if (filled[s] == subspaces.size(s)) continue;
            if (best == subspaces.count() || products[s] < products[best]) best = s;
        }
        const std::size_t row = std::size_t{subspaces.begin(best)} + filled[best]++;
        products[best] += weight(i);
        for (std::uint32_t j = 0; j < dimension; ++j)
            axes[row * dimension + j] = solver.eigenvectors()(j, i);
    }
    return axes;
}

}  // namespace trackway::quant
