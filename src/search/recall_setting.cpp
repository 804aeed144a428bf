#include "search/recall_setting.h"

#include "base/errors.h"

#include <algorithm>
#include <limits>
#include <span>

namespace trackway::search {
namespace {

using base::fail;
using base::join;

// Calibration saw a sample of the queries: to miss so much of what may be missed is aimed at.
constexpr double kMissedShare = 0.95;
// So few vectors cost little to search, all of them.
constexpr std::uint32_t kSmallGraph = 512;

std::uint32_t scaled(std::uint64_t list, std::uint32_t k) {
    const std::uint64_t longer = std::max(list, list * k / kCalibratedNeighbors);
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(std::max<std::uint64_t>(longer, k), kMaxSearchList));
}

// A list that holds every vertex.
RecallSetting whole_graph(const OpenedGraph& graph, std::uint32_t k) {
    return {.search_list_size = std::max(graph.files.description().vertex_count, k),
            .stop_margin = std::numeric_limits<float>::infinity(),
            .pages_per_query = static_cast<float>(graph.geometry().page_count)};
}

// Beyond what the list of the margins finds.
Result<RecallSetting> longer_list_for(const layouts::RecallCurve& curve, double target,
                                      std::uint32_t k) {
    float most = curve.margins.back().recall;
    std::uint32_t longest = curve.list_size;
    for (const layouts::CalibratedList& entry : curve.lists) {
        most = entry.recall;
        longest = entry.search_list;
        if (target > double{most}) continue;
        return RecallSetting{.search_list_size = scaled(entry.search_list, k),
                             .stop_margin = std::numeric_limits<float>::infinity(),
                             .pages_per_query = entry.pages_per_query};
    }
    return fail(ErrorCode::kInvalidArgument,
                join("target recall: expected at most ", most, ", what a search list of ", longest,
                     " found when the index was built, found ", target,
                     "; a longer --search-list may find more"));
}

}  // namespace

Result<RecallSetting> recall_setting(const OpenedGraph& graph, float hot_share, double target,
                                     std::uint32_t k) {
    const layouts::RecallCurve& curve = graph.curve_in_use();
    const std::span<const layouts::CalibratedMargin> margins = curve.margins;
    if (margins.empty()) {
        // Of encoded vectors it would still be some that are compared exactly.
        if (!graph.exact && graph.files.description().vertex_count <= kSmallGraph)
            return whole_graph(graph, k);
        return fail(ErrorCode::kUnsupported, join("target recall: ", kNotCalibrated));
    }
    const auto recall_at = [&](const layouts::CalibratedMargin& entry) {
        return entry.recall + hot_share * (entry.recall_with_hot - entry.recall);
    };
    float most = 0;
    for (const layouts::CalibratedMargin& entry : margins)
        most = std::max(most, recall_at(entry));
    if (target > double{most}) return longer_list_for(graph.curve, target, k);
    RecallSetting setting{.search_list_size = scaled(curve.list_size, k),
                          .stop_margin = margins.back().margin,
                          .pages_per_query = margins.back().pages_per_query};
    const auto aimed = static_cast<float>(1 - (1 - target) * kMissedShare);
    for (std::size_t i = 0; i < margins.size(); ++i) {
        const layouts::CalibratedMargin& after = margins[i];
        const float reached = recall_at(after);
        if (reached < aimed) continue;
        const layouts::CalibratedMargin& before = margins[i == 0 ? 0 : i - 1];
        const float span = reached - recall_at(before);
        const float part = span > 0 ? (aimed - recall_at(before)) / span : 1;
        setting.stop_margin = before.margin + part * (after.margin - before.margin);
        setting.pages_per_query =
            before.pages_per_query + part * (after.pages_per_query - before.pages_per_query);
        break;
    }
    return setting;
}

}  // namespace trackway::search
