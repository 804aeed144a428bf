// Makes the bytes of any page of a packing: for the file, and for searches before there is one.
#pragma once

#include "trackway/types.h"

#include "build/built_graph.h"
#include "layouts/page_packing.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trackway::builder {

class PageMaker {
public:
    // Working memory of one thread.
    struct Scratch {
        std::vector<std::uint32_t> places;
        std::vector<layouts::VertexRecord> records;
    };

    // All must outlive it.
    PageMaker(const BuiltGraph& graph, const layouts::PagePacking& packing)
        : graph_(graph), packing_(packing) {}

    void make(PageId page, std::span<std::byte> bytes, Scratch& scratch) const;

private:
    const BuiltGraph& graph_;
    const layouts::PagePacking& packing_;
};

}  // namespace trackway::builder
