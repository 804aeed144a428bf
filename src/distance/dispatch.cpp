#include "base/errors.h"
#include "distance/distance.h"
#include "distance/kernel_tables.h"

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trackway::distance {
namespace {

Result<const KernelTable*> choose() {
    const auto tables = available_kernels();
    const char* wanted = std::getenv("TRACKWAY_ISA");
    if (wanted == nullptr || *wanted == '\0') return &tables.front();
    std::string names;
    for (const KernelTable& table : tables) {
        if (std::string_view(wanted) == name_of(table.isa)) return &table;
        names += base::join(" ", name_of(table.isa));
    }
    return base::fail(ErrorCode::kInvalidArgument,
                      base::join("TRACKWAY_ISA: expected one of", names, ", found ", wanted));
}

}  // namespace

const char* name_of(Isa isa) noexcept {
    switch (isa) {
        case Isa::kScalar:
            return "scalar";
        case Isa::kSse:
            return "sse";
        case Isa::kAvx2:
            return "avx2";
        case Isa::kAvx512:
            return "avx512";
        case Isa::kNeon:
            return "neon";
    }
    return "unknown";
}

std::span<const KernelTable> available_kernels() {
    static const std::vector<KernelTable> tables = [] {
        std::vector<KernelTable> all = simd_kernels();
        all.push_back(scalar_kernels());
        return all;
    }();
    return tables;
}

Result<const KernelTable*> chosen_kernels() {
    static const Result<const KernelTable*> chosen = choose();
    return chosen;
}

const KernelTable& kernels() {
    static const KernelTable& table = *chosen_kernels().value();
    return table;
}

}  // namespace trackway::distance
