// Measures what pages of each size cost on a disk.
#pragma once

#include "trackway/result.h"

#include "build/graph_layout.h"

#include <filesystem>

namespace trackway::builder {

// Random reads of 4, 8 and 16 KiB with many in flight, two seconds in all, from a file that it
// makes in the folder and removes. kUnsupported where the folder's file system has no direct I/O.
// kCancelled when arena.stopped().
Result<PageCosts> probe_page_costs(const std::filesystem::path& folder, const base::Arena& arena);

}  // namespace trackway::builder
