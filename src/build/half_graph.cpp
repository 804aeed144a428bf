#include "build/half_graph.h"

#include "base/errors.h"
#include "io/file.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

namespace trackway::builder {
namespace {

using Clock = std::chrono::steady_clock;

// Nothing is kept where it would take more of the free disk than one part in so many.
constexpr std::uint64_t kShareOfDisk = 4;
constexpr std::size_t kBlockBytes = std::size_t{4} << 20U;

}  // namespace

HalfGraph::HalfGraph(const WorkFolder& work, std::string stage, const StageKey& key,
                     const Pace& pace)
    : work_(work), stage_(std::move(stage) + "-half"), key_(key), pace_(pace) {
    next_ = Clock::now() + pace_.every;
}

std::string HalfGraph::part_name(std::uint32_t part) const {
    return base::join(stage_, "-", part);
}

Result<std::uint64_t> HalfGraph::restore(graph::Adjacency& lists) {
    StageOutput output;
    TRACKWAY_TRY_ASSIGN(found, work_.find(stage_, key_, output));
    if (!found) return 0;
    const std::size_t row = std::size_t{lists.capacity()} + 1;
    TRACKWAY_TRY(
        check_output(output.files.size() == 1 && output.values.size() == 1, work_.file(stage_)));
    TRACKWAY_TRY_ASSIGN(file, io::File::open(work_.file(output.files[0])));
    const std::uint64_t points = output.values[0];
    const std::uint64_t count = lists.vertex_count();
    TRACKWAY_TRY(check_output(
        file.size_bytes() == count * row * sizeof(std::uint32_t) && points <= 2 * count,
        file.path()));
    const std::size_t step = std::max<std::size_t>(1, kBlockBytes / (row * sizeof(std::uint32_t)));
    std::vector<std::uint32_t> block(step * row);
    for (std::uint64_t first = 0; first < count; first += step) {
        const std::size_t rows = std::min<std::uint64_t>(step, count - first);
        const auto numbers = std::span(block).first(rows * row);
        TRACKWAY_TRY(
            file.read_exact(first * row * sizeof(std::uint32_t), std::as_writable_bytes(numbers)));
        for (std::size_t i = 0; i < rows; ++i) {
            const std::uint32_t degree = numbers[i * row];
            const auto list = numbers.subspan(i * row + 1, std::min<std::size_t>(degree, row - 1));
            const bool is_sound =
                degree < row && std::all_of(list.begin(), list.end(),
                                            [&](std::uint32_t other) { return other < count; });
            TRACKWAY_TRY(check_output(is_sound, file.path()));
            lists.set(static_cast<std::uint32_t>(first + i), list);
        }
    }
    next_part_ = output.files[0] == part_name(0) ? 1 : 0;
    return points;
}

// The disk is for what the build must write.
bool HalfGraph::has_room(const graph::Adjacency& lists) const {
    std::error_code error;
    const auto space = std::filesystem::space(work_.file(""), error);
    const std::uint64_t bytes = std::uint64_t{lists.vertex_count()} *
                                (std::uint64_t{lists.capacity()} + 1) * sizeof(std::uint32_t);
    return error || space.available / kShareOfDisk > bytes;
}

Status HalfGraph::keep(std::uint64_t points, const graph::Adjacency& lists) {
    const Clock::time_point begin = Clock::now();
    if (begin < next_ || !has_room(lists)) return {};
    const std::string name = part_name(next_part_);
    TRACKWAY_TRY_ASSIGN(file, io::StagedFile::create(work_.file(name)));
    const std::size_t row_bytes = (std::size_t{lists.capacity()} + 1) * sizeof(std::uint32_t);
    const auto step = static_cast<std::uint32_t>(std::max<std::size_t>(1, kBlockBytes / row_bytes));
    for (std::uint32_t first = 0; first < lists.vertex_count();) {
        const std::uint32_t end = first + std::min(step, lists.vertex_count() - first);
        TRACKWAY_TRY(file.append(std::as_bytes(lists.rows(first, end))));
        first = end;
    }
    TRACKWAY_TRY(file.name());
    TRACKWAY_TRY(work_.finish(stage_, key_, {.files = {name}, .values = {points}}));
    next_part_ = 1 - next_part_;
    std::error_code ignored;
    std::filesystem::remove(work_.file(part_name(next_part_)), ignored);
    const Clock::time_point end = Clock::now();
    next_ = end + std::max<Clock::duration>(pace_.every, pace_.times_as_long * (end - begin));
    return {};
}

void HalfGraph::remove() noexcept {
    work_.forget(stage_);
    std::error_code ignored;
    for (const std::uint32_t part : {0U, 1U})
        std::filesystem::remove(work_.file(part_name(part)), ignored);
}

}  // namespace trackway::builder
