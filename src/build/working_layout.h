// What queries visited, and the order of pages, in working files.
#pragma once

#include "trackway/result.h"

#include "build/graph_layout.h"
#include "build/work_folder.h"

namespace trackway::builder {

Result<StageOutput> write_trace(const WorkFolder& work, const Trace& trace);
Result<Trace> read_trace(const WorkFolder& work, const StageOutput& output);

Result<StageOutput> write_order(const WorkFolder& work, const OrderedPages& pages);
Result<OrderedPages> read_order(const WorkFolder& work, const StageOutput& output);

}  // namespace trackway::builder
