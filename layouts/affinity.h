// How strongly two vertices want to share a page.
#pragma once

#include "layouts/page_order.h"

#include <cstdint>
#include <span>
#include <vector>

namespace trackway::layouts {

class Affinity {
public:
    // The input must outlive it. The weight of co-visits is 0 at first.
    explicit Affinity(const PageOrderInput& input);

    void set_weight(float weight) noexcept { weight_ = weight; }
    float weight() const noexcept { return weight_; }

    // out[i] in (0, 1]: about exp(-x) of the distance x between the vertex and others[i], in units
    // of half the usual distance between near neighbours.
    void nearness(std::uint32_t vertex, std::span<const std::uint32_t> others, float* out) const;
    // None while their weight is 0.
    std::span<const Covisit> covisits(std::uint32_t vertex) const noexcept {
        if (weight_ == 0) return {};
        return input_.covisits.of(vertex);
    }
    // body(other) for each vertex that an edge leads to or comes from; some come twice.
    template <class Body>
    void for_each_joined(std::uint32_t vertex, const Body& body) const {
        for (const std::uint32_t other : input_.vertices.neighbors(vertex))
            body(other);
        for (std::uint64_t i = first_[vertex]; i < first_[vertex + 1]; ++i)
            body(incoming_[i]);
    }
    // How likely a query is to come by: visits traced, and edges that lead here.
    float strength(std::uint32_t vertex) const noexcept { return strength_[vertex]; }

private:
    void find_incoming();
    void measure_scale();

    const PageOrderInput& input_;
    float weight_ = 0;
    float scale_ = 0;
    std::vector<std::uint64_t> first_;     // of each vertex's incoming edges; and the end
    std::vector<std::uint32_t> incoming_;  // where they come from
    std::vector<float> strength_;
};

}  // namespace trackway::layouts
