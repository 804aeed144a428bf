#include "build/page_cost.h"

#include "base/aligned_buffer.h"
#include "base/errors.h"
#include "base/random.h"
#include "base/stopwatch.h"
#include "io/file.h"
#include "io/page_reader.h"
#include "layouts/file_names.h"

#include <string>
#include <vector>

namespace trackway::builder {
namespace {

constexpr std::uint64_t kFileBytes = std::uint64_t{256} << 20U;
constexpr std::uint32_t kDepth = 64;
constexpr double kSecondsEach = 0.6;

// A name that a later build recognises as left over, should this one be killed.
std::string probe_name() {
    return layouts::shard_file_name({}, 0, layouts::ShardPart::kPages);
}

Status check_stop(const base::Arena& arena) {
    if (arena.stopped()) return base::cancelled();
    return {};
}

// Seconds for each random read of this size.
Result<double> seconds_per_read(const io::File& file, std::uint32_t page_size) {
    base::AlignedBuffer buffers(std::size_t{kDepth} * page_size);
    const io::File* files = &file;
    TRACKWAY_TRY_ASSIGN(
        reader,
        io::open_page_reader(IoEngine::kAuto, {{&files, 1}, buffers.span(), page_size, kDepth}));
    base::Random random(page_size);
    std::vector<io::PageRead> reads(kDepth);
    std::vector<io::PageRead*> to_submit;
    for (std::uint32_t i = 0; i < kDepth; ++i) {
        reads[i].buffer = buffers.data() + std::size_t{i} * page_size;
        to_submit.push_back(&reads[i]);
    }
    const base::Stopwatch watch;
    std::uint64_t done = 0;
    while (watch.seconds() < kSecondsEach) {
        for (io::PageRead* read : to_submit)
            read->offset = random.below(kFileBytes / page_size) * page_size;
        reader->submit(to_submit);
        const auto finished = reader->reap();
        to_submit.assign(finished.begin(), finished.end());
        done += finished.size();
        for (const io::PageRead* read : finished) {
            if (read->result == static_cast<int>(page_size)) continue;
            return base::fail(ErrorCode::kIo, base::join(file.path().string(), ": offset ",
                                                         read->offset, ": the probe cannot read"));
        }
    }
    return watch.seconds() / static_cast<double>(done);
}

}  // namespace

Result<PageCosts> probe_page_costs(const std::filesystem::path& folder, const base::Arena& arena) {
    TRACKWAY_TRY_ASSIGN(staged, io::StagedFile::create(folder / probe_name()));
    const std::vector<std::byte> block(std::size_t{4} << 20U, std::byte{0x5a});
    // Synced in steps: one long sync could not be stopped.
    while (staged.size_bytes() < kFileBytes) {
        TRACKWAY_TRY(staged.append(block));
        TRACKWAY_TRY(staged.sync());
        TRACKWAY_TRY(check_stop(arena));
    }
    TRACKWAY_TRY_ASSIGN(file, io::File::open_direct(staged.staged_path()));
    if (!file.is_direct()) {
        return base::fail(
            ErrorCode::kUnsupported,
            base::join(folder.string(), ": no direct I/O on this file system: choose a page size"));
    }
    PageCosts costs{};
    std::uint32_t size = kMinPageSize;
    for (double& cost : costs) {
        TRACKWAY_TRY_ASSIGN(seconds, seconds_per_read(file, size));
        TRACKWAY_TRY(check_stop(arena));
        cost = seconds;
        size *= 2;
    }
    for (std::size_t i = costs.size(); i-- > 0;)
        costs[i] /= costs[0];
    return costs;
}

}  // namespace trackway::builder
