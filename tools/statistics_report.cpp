#include "statistics_report.h"

#include "trackway/version.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <optional>
#include <utility>

namespace trackway::tools {
namespace {

using Json = nlohmann::ordered_json;

Json or_null(const std::optional<double>& value) {
    return value ? Json(*value) : Json();
}

Json file_json(const FileStatistics& file) {
    return {{"file", file.path.string()},
            {"rows", file.rows},
            {"sampled", file.sampled},
            {"copies_share", file.copies_share},
            {"nearest_distance_median", or_null(file.nearest_median)},
            {"nearest_distance_mean", or_null(file.nearest_mean)},
            {"distance_mean", or_null(file.mean)},
            {"contrast", or_null(file.contrast)},
            {"times_as_far", or_null(file.times_as_far)},
            {"intrinsic_dimension", or_null(file.intrinsic_dimension)}};
}

std::string number_text(const std::optional<double>& value) {
    if (!value) return "-";
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.4g", *value);
    return text.data();
}

void print_file(const FileStatistics& file) {
    std::printf("%-24s %10llu %8llu %9.3f %9s %9s %9s %9s %9s\n",
                file.path.filename().string().c_str(), static_cast<unsigned long long>(file.rows),
                static_cast<unsigned long long>(file.sampled), file.copies_share * 100,
                number_text(file.nearest_median).c_str(), number_text(file.times_as_far).c_str(),
                number_text(file.mean).c_str(), number_text(file.contrast).c_str(),
                number_text(file.intrinsic_dimension).c_str());
}

}  // namespace

void print_statistics(const VectorStatistics& statistics) {
    std::printf("euclidean distances%s; the data's own rows are held out\n",
                statistics.metric == Metric::kL2 ? "" : " of rows scaled to length 1");
    std::printf("%-24s %10s %8s %9s %9s %9s %9s %9s %9s\n", "file", "rows", "sampled", "copies %",
                "nearest", "x as far", "mean", "contrast", "int. dim.");
    print_file(statistics.data);
    for (const FileStatistics& file : statistics.queries)
        print_file(file);
}

std::string statistics_text(const VectorStatistics& statistics) {
    Json queries = Json::array();
    for (const FileStatistics& file : statistics.queries)
        queries.push_back(file_json(file));
    const bool scaled = statistics.metric != Metric::kL2;
    const Json json = {
        {"trackway", kVersion},
        {"dimension", statistics.dimension},
        {"element_type", name_of(statistics.element_type)},
        {"metric", name_of(statistics.metric)},
        {"distances", scaled ? "euclidean, of rows scaled to length 1" : "euclidean"},
        {"vectors", file_json(statistics.data)},
        {"queries", std::move(queries)}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace trackway::tools
