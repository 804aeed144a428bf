#include "beam/resident_edges.h"

#include "base/assert.h"
#include "base/bits.h"

#include <bit>

namespace trackway::beam {
ResidentEdges::ResidentEdges(std::uint64_t place_count)
    : code_(layouts::EdgeCode::elias_fano(place_count)),
      present_((place_count + 63) / 64, 0),
      lists_(base::kBitReadSlack) {}

std::uint64_t ResidentEdges::bytes_for(std::uint64_t place_count,
                                       std::span<const std::uint32_t> degrees) noexcept {
    const layouts::EdgeCode code = layouts::EdgeCode::elias_fano(place_count);
    std::uint64_t bytes = (place_count + 63) / 64 * (8 + 4) + base::kBitReadSlack +
                          (degrees.size() + kGroup - 1) / kGroup * 8 + degrees.size() * 2;
    for (const std::uint32_t degree : degrees)
        bytes += 1 + base::bytes_of_bits(code.bits(degree));
    return bytes;
}

void ResidentEdges::add(LocalId vertex, std::span<const std::uint32_t> neighbors) {
    const auto place = static_cast<std::uint32_t>(vertex);
    std::uint64_t& word = present_[place / 64];
    TRACKWAY_ASSERT(word >> place % 64 == 0 && neighbors.size() <= kMaxDegree);
    word |= std::uint64_t{1} << place % 64;
    const std::size_t at = lists_.size() - base::kBitReadSlack;
    if (starts_.size() % kGroup == 0) group_start_.push_back(at);
    starts_.push_back(static_cast<std::uint16_t>(at - group_start_.back()));
    const auto degree = static_cast<std::uint32_t>(neighbors.size());
    lists_.resize(at + 1 + base::bytes_of_bits(code_.bits(degree)) + base::kBitReadSlack);
    lists_[at] = static_cast<std::byte>(degree);
    code_.encode(neighbors, lists_.data() + at + 1, 0);
}

void ResidentEdges::finish() {
    lists_.shrink_to_fit();
    starts_.shrink_to_fit();
    std::uint32_t before = 0;
    for (const std::uint64_t word : present_) {
        before_.push_back(before);
        before += static_cast<std::uint32_t>(std::popcount(word));
    }
}

std::uint64_t ResidentEdges::bytes() const noexcept {
    return present_.size() * 8 + before_.size() * 4 + lists_.size() + group_start_.size() * 8 +
           starts_.size() * 2;
}

std::uint32_t ResidentEdges::neighbors(LocalId vertex, std::uint32_t* out) const noexcept {
    const auto place = static_cast<std::uint32_t>(vertex);
    const std::uint64_t below = present_[place / 64] & ((std::uint64_t{1} << place % 64) - 1);
    const std::size_t list = before_[place / 64] + static_cast<std::size_t>(std::popcount(below));
    const std::byte* at = lists_.data() + group_start_[list / kGroup] + starts_[list];
    const auto degree = static_cast<std::uint32_t>(*at);
    code_.decode(at + 1, 0, degree, out);
    return degree;
}

}  // namespace trackway::beam
