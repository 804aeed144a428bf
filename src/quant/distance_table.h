// Estimates of one query's distances, from codes of any kind.
#pragma once

#include "trackway/types.h"

#include "quant/codec.h"

#include <cstdint>
#include <span>

namespace trackway::quant {

class DistanceTable {
public:
    // For a query given as distance::row_floats() makes it; reusable for the next query. The codec
    // must stay.
    void prepare(const Codec& codec, Metric metric, std::span<const float> query) {
        codec_ = &codec;
        codec.prepare(metric, query, table_);
    }

    // out[i] = estimate for vertex ids[i].
    void estimate(const Codes& codes, std::span<const std::uint32_t> ids, float* out) const {
        codec_->estimate(table_, codes, ids, out);
    }

private:
    const Codec* codec_ = nullptr;
    QueryTable table_;
};

}  // namespace trackway::quant
