// Vocabulary types shared by every layer. No logic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace trackway {

enum class VectorId : std::uint64_t {};  // row in the dataset; what callers see
// In an answer that misses shards and has fewer than k neighbours; their distance is infinite.
constexpr VectorId kNoVector{UINT64_MAX};
enum class PageId : std::uint32_t {};   // vertex page inside one shard file, from 0
enum class LocalId : std::uint32_t {};  // vertex inside one shard: page * vertices_per_page + slot

// Values are stored on disk; never renumber.
enum class Metric : std::uint8_t { kL2 = 1, kInnerProduct = 2, kCosine = 3 };
enum class ElementType : std::uint8_t { kFloat32 = 1, kFloat16 = 2, kUint8 = 3, kInt8 = 4 };
enum class PageOrder : std::uint8_t {
    kInsertion = 1,
    kBreadthFirst = 2,
    kCovisit = 3,
    kAffinity = 4
};

// In which numbers an index searches. Other than as given, the exact vectors stand in a side file.
enum class VectorEncoding : std::uint8_t { kAsGiven = 1, kFloat16 = 2, kSq8 = 3 };

// How the codes in memory are made: product quantisation; the same after a rotation to the
// principal axes; or random rotation and a few bits for each dimension (src/quant/README.md).
enum class CodeType : std::uint8_t { kPq = 1, kOpq = 2, kRabitq = 3 };

constexpr std::uint32_t kMaxDimension = 16384;
constexpr std::uint32_t kMaxSearchList = 1U << 20U;
constexpr std::uint32_t kMaxShards = 256;  // their files stay open together
constexpr std::uint32_t kMaxDegree = 255;  // a degree is stored in one byte
constexpr std::uint32_t kMinPageSize = 4096;
constexpr std::uint32_t kMaxPageSize = 65536;

constexpr std::size_t element_size_bytes(ElementType type) noexcept {
    switch (type) {
        case ElementType::kFloat32:
            return 4;
        case ElementType::kFloat16:
            return 2;
        case ElementType::kUint8:
        case ElementType::kInt8:
            return 1;
    }
    return 0;
}

constexpr const char* name_of(ElementType type) noexcept {
    switch (type) {
        case ElementType::kFloat32:
            return "float32";
        case ElementType::kFloat16:
            return "float16";
        case ElementType::kUint8:
            return "uint8";
        case ElementType::kInt8:
            return "int8";
    }
    return "unknown";
}

constexpr const char* name_of(Metric metric) noexcept {
    switch (metric) {
        case Metric::kL2:
            return "l2";
        case Metric::kInnerProduct:
            return "ip";
        case Metric::kCosine:
            return "cosine";
    }
    return "unknown";
}

constexpr const char* name_of(PageOrder order) noexcept {
    switch (order) {
        case PageOrder::kInsertion:
            return "insertion";
        case PageOrder::kBreadthFirst:
            return "breadth-first";
        case PageOrder::kCovisit:
            return "covisit";
        case PageOrder::kAffinity:
            return "affinity";
    }
    return "unknown";
}

constexpr const char* name_of(VectorEncoding encoding) noexcept {
    switch (encoding) {
        case VectorEncoding::kAsGiven:
            return "as-given";
        case VectorEncoding::kFloat16:
            return "float16";
        case VectorEncoding::kSq8:
            return "sq8";
    }
    return "unknown";
}

constexpr const char* name_of(CodeType type) noexcept {
    switch (type) {
        case CodeType::kPq:
            return "pq";
        case CodeType::kOpq:
            return "opq";
        case CodeType::kRabitq:
            return "rabitq";
    }
    return "unknown";
}

// Tells whether vectors of this type have such an encoding.
constexpr bool can_encode(VectorEncoding encoding, ElementType given) noexcept {
    if (encoding == VectorEncoding::kAsGiven) return true;
    return given == ElementType::kFloat32 ||
           (given == ElementType::kFloat16 && encoding == VectorEncoding::kSq8);
}

// The type of the numbers that an index searches in. REQUIRES: can_encode(encoding, given).
constexpr ElementType stored_type(VectorEncoding encoding, Metric metric,
                                  ElementType given) noexcept {
    if (encoding == VectorEncoding::kAsGiven) return given;
    if (encoding == VectorEncoding::kFloat16) return ElementType::kFloat16;
    return metric == Metric::kL2 ? ElementType::kUint8 : ElementType::kInt8;
}

// What stands beside kNoVector: infinity, or minus infinity where larger is nearer.
constexpr float farthest_distance(Metric metric) noexcept {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    return metric == Metric::kInnerProduct ? -kInfinity : kInfinity;
}

// One answer. distance: squared L2, or inner product (larger is nearer), or cosine distance.
struct Neighbor {
    VectorId id;
    float distance;
};

// Row-major vectors without gaps; never owns. data holds row_count * dimension elements.
struct MatrixView {
    const std::byte* data = nullptr;
    ElementType element_type = ElementType::kFloat32;
    std::uint64_t row_count = 0;
    std::uint32_t dimension = 0;

    std::size_t row_bytes() const noexcept { return dimension * element_size_bytes(element_type); }
    const std::byte* row(std::uint64_t i) const noexcept { return data + i * row_bytes(); }
};

}  // namespace trackway
