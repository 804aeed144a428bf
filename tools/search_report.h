// The report of search-index, as a table and as JSON.
#pragma once

#include "trackway/index.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace trackway::tools {

struct SearchRow {
    std::uint32_t search_list = 0;
    std::optional<float> stop_margin;     // none: the list alone
    std::optional<double> target_recall;  // what chose list and margin
    std::uint32_t k = 0;
    std::optional<double> recall;
    double seconds = 0;
    double cpu_seconds = 0;
    std::uint64_t queries = 0;                // counted, in all passes
    std::vector<std::uint64_t> latencies_ns;  // of each
    // Sums over them.
    std::uint64_t io_wait_ns = 0;
    std::uint64_t bytes_read = 0;
    std::uint64_t pages_read = 0;
    std::uint64_t pages_joined = 0;
    std::uint64_t pages_from_cache = 0;
    std::uint64_t hops = 0;
    std::uint64_t estimates = 0;
    std::uint64_t exact_distances = 0;
    std::uint64_t rerank_pages = 0;
    std::uint64_t shards_probed = 0;
    std::uint64_t partial_answers = 0;

    void add(std::span<const SearchStats> pass);
};

// With a column of targets, where rows have them.
void print_table_head(bool targets);
void print_table_row(const SearchRow& row);
// What was resident, in MiB, and how pages were read: a line below the table.
void print_circumstances(const Index& index, std::uint64_t bytes_resident);

// bytes_resident: what the program grew by while it had the index open, as the kernel counts it.
std::string report_text(const Index& index, const std::vector<SearchRow>& rows,
                        std::uint64_t bytes_resident);

}  // namespace trackway::tools
