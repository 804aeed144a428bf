// The report of describe-vectors, which make-dataset ends with: as a table and as JSON.
#pragma once

#include "vector_statistics.h"

#include <string>

namespace trackway::tools {

void print_statistics(const VectorStatistics& statistics);
std::string statistics_text(const VectorStatistics& statistics);

}  // namespace trackway::tools
