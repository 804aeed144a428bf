// The report of build-index and relayout-index, as text and as JSON.
#pragma once

#include "trackway/builder.h"

#include <string>

namespace trackway::tools {

// Of a part of a build.
void print_part_summary(const BuildReport& report, const BuildPart& part);

void print_build_summary(const BuildReport& report, const std::string& index);
std::string build_report_text(const BuildReport& report);

}  // namespace trackway::tools
