// The report of search-index, as a table and as JSON.
#pragma once

#include "trackway/index.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace trackway::tools {

struct SearchRow {
    std::uint32_t search_list = 0;
    std::uint32_t k = 0;
    std::optional<double> recall;
    double seconds = 0;
    double cpu_seconds = 0;
    std::vector<SearchStats> stats;  // of every counted query
};

void print_table_head();
void print_table_row(const SearchRow& row);

// bytes_resident: what the program grew by while it had the index open, as the kernel counts it.
std::string report_text(const Index& index, const std::vector<SearchRow>& rows,
                        std::uint64_t bytes_resident);

}  // namespace trackway::tools
