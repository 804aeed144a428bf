// Indexes whose files a fuzzer edits, with right checksums, since no fuzzer finds one; and what
// then reads them.
#pragma once

#include "trackway/index.h"

#include "layouts/manifest.h"
#include "layouts/verify_index.h"
#include "support/random_vectors.h"
#include "support/sealed_files.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace trackway::fuzz {

// The input: four bytes for each edit, the place, how and what; two that are left cut the file
// short.
inline void edit(test::Bytes& bytes, std::span<const std::uint8_t> input) {
    for (; input.size() >= 4 && !bytes.empty(); input = input.subspan(4)) {
        // Mostly where the fields are: the first bytes of header, pages and rows.
        const std::size_t begin =
            (std::size_t{input[0]} * 16 + std::size_t{input[1]} * 4096) % bytes.size();
        const std::size_t at = std::min(begin + input[2] % 16, bytes.size() - 1);
        const auto value = static_cast<std::byte>(input[3]);
        bytes[at] = input[2] < 128 ? value : bytes[at] ^ value;
    }
    if (input.size() == 2) bytes.resize(bytes.size() * input[0] / 255);
}

inline std::string_view text_of(std::span<const std::uint8_t> input) {
    const void* raw = input.data();
    return {static_cast<const char*>(raw), input.size()};
}

// Verifies the index, opens it, searches it with random queries of this kind.
inline void use(const std::filesystem::path& index_dir, ElementType type, std::uint32_t dimension,
                const OpenOptions& chosen = {}) {
    (void)layouts::verify_index(index_dir);
    OpenOptions options = chosen;
    options.thread_count = 1;
    options.queries_in_flight_per_thread = 1;
    options.io = IoEngine::kPread;
    options.max_beam_width = 2;
    const auto index = Index::open(index_dir, options);
    if (!index) return;
    const test::Vectors queries = test::random_vectors(2, dimension, type, 3);
    std::vector<Neighbor> found(2 * 5);
    SearchParams params;
    params.k = 5;
    params.search_list_size = 20;
    params.beam_width = 1;
    (void)index->search(queries.view, params, found);
}

}  // namespace trackway::fuzz
