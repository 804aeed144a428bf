// Makes the bytes of any page of a packing: for the file, and for searches before there is one.
#pragma once

#include "trackway/types.h"

#include "graph/adjacency.h"
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
    PageMaker(const MatrixView& vectors, const graph::Adjacency& adjacency,
              const layouts::PagePacking& packing)
        : vectors_(vectors), adjacency_(adjacency), packing_(packing) {}

    void make(PageId page, std::span<std::byte> bytes, Scratch& scratch) const;

private:
    MatrixView vectors_;
    const graph::Adjacency& adjacency_;
    const layouts::PagePacking& packing_;
};

}  // namespace trackway::builder
