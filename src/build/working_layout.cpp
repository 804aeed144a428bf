#include "build/working_layout.h"

#include "base/errors.h"

#include <bit>
#include <cstddef>
#include <cstring>
#include <span>

namespace trackway::builder {
namespace {

constexpr const char* kTraceFile = "trace";
constexpr const char* kOrderFile = "order";
constexpr std::uint64_t kFileMax = std::uint64_t{1} << 40U;

using Numbers = std::vector<std::uint32_t>;

Result<Numbers> read_numbers(const std::filesystem::path& path) {
    TRACKWAY_TRY_ASSIGN(bytes, io::read_file(path, kFileMax));
    TRACKWAY_TRY(check_output(bytes.size() % sizeof(std::uint32_t) == 0, path));
    Numbers numbers(bytes.size() / sizeof(std::uint32_t));
    if (!numbers.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
    return numbers;
}

void add_list(const Numbers& list, Numbers& all) {
    all.push_back(static_cast<std::uint32_t>(list.size()));
    all.insert(all.end(), list.begin(), list.end());
}

// The list that begins at `at`, which moves behind it; false where there is none.
bool next_list(const Numbers& all, std::size_t& at, Numbers& list) {
    if (at >= all.size() || all[at] > all.size() - at - 1) return false;
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(at) + 1;
    list.assign(begin, begin + all[at]);
    at += std::size_t{all[at]} + 1;
    return true;
}

}  // namespace

Result<StageOutput> write_trace(const WorkFolder& work, const Trace& trace) {
    Numbers numbers;
    for (const auto* half : {&trace.training, &trace.judging}) {
        for (const Visits& query : *half) {
            add_list(query.expanded, numbers);
            add_list(query.useful, numbers);
        }
    }
    TRACKWAY_TRY(work.write(kTraceFile, std::as_bytes(std::span(numbers))));
    return StageOutput{.files = {kTraceFile},
                       .values = {trace.training.size(), trace.judging.size()}};
}

Result<Trace> read_trace(const WorkFolder& work, const StageOutput& output) {
    TRACKWAY_TRY_ASSIGN(numbers, read_numbers(work.file(kTraceFile)));
    const std::vector<std::uint64_t>& values = output.values;
    const std::filesystem::path path = work.file(kTraceFile);
    TRACKWAY_TRY(check_output(
        values.size() == 2 && values[0] <= numbers.size() && values[1] <= numbers.size(), path));
    Trace trace;
    trace.training.resize(values[0]);
    trace.judging.resize(values[1]);
    std::size_t at = 0;
    bool is_sound = true;
    for (auto* half : {&trace.training, &trace.judging}) {
        for (Visits& query : *half) {
            is_sound = is_sound && next_list(numbers, at, query.expanded) &&
                       next_list(numbers, at, query.useful);
        }
    }
    TRACKWAY_TRY(check_output(is_sound && at == numbers.size(), path));
    return trace;
}

Result<StageOutput> write_order(const WorkFolder& work, const OrderedPages& pages) {
    Numbers numbers;
    add_list(pages.groups.order, numbers);
    add_list(pages.groups.first, numbers);
    TRACKWAY_TRY(work.write(kOrderFile, std::as_bytes(std::span(numbers))));
    return StageOutput{
        .files = {kOrderFile},
        .values = {pages.shape.page_size_bytes, pages.shape.vertices_per_page,
                   pages.shape.place_limit, std::bit_cast<std::uint64_t>(pages.traced_before),
                   std::bit_cast<std::uint64_t>(pages.traced_after)}};
}

Result<OrderedPages> read_order(const WorkFolder& work, const StageOutput& output) {
    TRACKWAY_TRY_ASSIGN(numbers, read_numbers(work.file(kOrderFile)));
    const std::vector<std::uint64_t>& values = output.values;
    const std::filesystem::path path = work.file(kOrderFile);
    TRACKWAY_TRY(check_output(values.size() == 5 && values[0] >= kMinPageSize &&
                                  values[0] <= kMaxPageSize && values[1] >= 1 &&
                                  values[1] <= UINT16_MAX && values[2] >= 1 &&
                                  values[2] <= std::uint64_t{1} << 32U,
                              path));
    OrderedPages pages;
    pages.shape = {.page_size_bytes = static_cast<std::uint32_t>(values[0]),
                   .vertices_per_page = static_cast<std::uint32_t>(values[1]),
                   .place_limit = values[2]};
    pages.traced_before = std::bit_cast<double>(values[3]);
    pages.traced_after = std::bit_cast<double>(values[4]);
    std::size_t at = 0;
    const bool is_sound = next_list(numbers, at, pages.groups.order) &&
                          next_list(numbers, at, pages.groups.first) && at == numbers.size();
    TRACKWAY_TRY(check_output(is_sound && pages.groups.first.size() > 1 &&
                                  pages.groups.first.back() == pages.groups.order.size(),
                              path));
    return pages;
}

}  // namespace trackway::builder
