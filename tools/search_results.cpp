#include "search_results.h"

#include "trackway/vector_file.h"

#include "base/errors.h"
#include "program.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <string_view>

namespace trackway::tools {
namespace {

constexpr std::array<std::string_view, 5> kExtensions = {".ibin", ".ivecs", ".npy", ".csv",
                                                         ".json"};

std::int64_t id_of(const Neighbor& neighbor) {
    return neighbor.id == kNoVector ? -1 : static_cast<std::int64_t>(neighbor.id);
}

std::span<const Neighbor> found_by(const SearchResults& results, std::size_t query) {
    const auto row = results.found.subspan(query * results.k, results.k);
    const auto none = std::find_if(
        row.begin(), row.end(), [](const Neighbor& neighbor) { return neighbor.id == kNoVector; });
    return row.first(static_cast<std::size_t>(none - row.begin()));
}

// The shortest text that reads back as the same number.
template <class T>
void append_number(std::string& text, T number) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    text.append(digits.data(), end.ptr);
}

std::string csv_of(const SearchResults& results) {
    std::string text = "query,rank,id,distance\n";
    for (std::size_t query = 0; query < results.statuses.size(); ++query) {
        const auto row = found_by(results, query);
        for (std::size_t rank = 0; rank < row.size(); ++rank) {
            append_number(text, query);
            append_number(text += ',', rank);
            append_number(text += ',', id_of(row[rank]));
            append_number(text += ',', row[rank].distance);
            text += '\n';
        }
    }
    return text;
}

std::string json_of(const SearchResults& results) {
    std::string text = "[";
    for (std::size_t query = 0; query < results.statuses.size(); ++query) {
        std::string ids, distances;
        for (const Neighbor& neighbor : found_by(results, query)) {
            if (!ids.empty()) ids += ',', distances += ',';
            append_number(ids, id_of(neighbor));
            append_number(distances, neighbor.distance);
        }
        text += query == 0 ? "\n" : ",\n";
        text += "{\"ids\":[" + ids + "],\"distances\":[" + distances + "]";
        const Status& status = results.statuses[query];
        if (!status)
            text +=
                ",\"error\":" + nlohmann::json(status.error().message)
                                    .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        text += "}";
    }
    return text + "\n]\n";
}

// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, version 1.0.
std::string npy_of(const SearchResults& results) {
    constexpr std::size_t kBeforeHeader = 10;
    std::string header = base::join(
        "{'descr': [('id', '<i8'), ('distance', '<f4')], 'fortran_order': False, 'shape': (",
        results.statuses.size(), ", ", results.k, "), }");
    header.append(63 - (kBeforeHeader + header.size()) % 64, ' ');
    header += '\n';
    std::string bytes("\x93NUMPY\x01\x00", 8);
    bytes += static_cast<char>(header.size() % 256);
    bytes += static_cast<char>(header.size() / 256);
    bytes += header;
    for (const Neighbor& neighbor : results.found) {
        const std::int64_t id = id_of(neighbor);
        std::array<char, sizeof id + sizeof neighbor.distance> place{};
        std::memcpy(place.data(), &id, sizeof id);
        std::memcpy(place.data() + sizeof id, &neighbor.distance, sizeof neighbor.distance);
        bytes.append(place.data(), place.size());
    }
    return bytes;
}

Status write_truth(const std::string& path, const SearchResults& results) {
    GroundTruth truth;
    truth.query_count = static_cast<std::uint32_t>(results.statuses.size());
    truth.k = results.k;
    for (const Neighbor& neighbor : results.found) {
        truth.ids.push_back(static_cast<std::uint32_t>(neighbor.id));
        truth.distances.push_back(neighbor.distance);
    }
    return write_ground_truth(path, truth);
}

}  // namespace

std::string not_a_result_file(const std::string& path) {
    const std::string extension = std::filesystem::path(path).extension().string();
    if (std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end())
        return {};
    return "expected a name that ends with .ibin, .ivecs, .npy, .csv or .json, found " + path;
}

Status write_results(const std::string& path, const SearchResults& results) {
    const std::string extension = std::filesystem::path(path).extension().string();
    if (extension == ".npy") return write_whole(path, npy_of(results));
    if (extension == ".csv") return write_whole(path, csv_of(results));
    if (extension == ".json") return write_whole(path, json_of(results));
    return write_truth(path, results);
}

}  // namespace trackway::tools
