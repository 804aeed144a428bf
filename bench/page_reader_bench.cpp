// Random reads of 4 KiB from a file in a temporary folder by io_uring and by pread, through the
// page cache and past it, by the number in flight. Through the cache it is the engine that is
// timed, past it mostly the disk.
#include "base/aligned_buffer.h"
#include "base/random.h"
#include "io/page_reader.h"
#include "support/temp_folder.h"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace {

using namespace trackway;

constexpr std::uint32_t kPage = 4096;
constexpr std::uint32_t kPages = 4096;

const std::filesystem::path& file_path() {
    static const test::TempFolder folder;
    static const std::filesystem::path path = folder / "pages";
    if (!std::filesystem::exists(path)) {
        std::ofstream file(path, std::ios::binary);
        for (std::uint32_t page = 0; page < kPages; ++page)
            file << std::string(kPage, static_cast<char>(page % 251));
    }
    return path;
}

// Reads without end: what has arrived is submitted anew, elsewhere.
void read_on(benchmark::State& state, io::PageReader& reader, std::vector<io::PageRead>& reads) {
    base::Random random(1);
    std::vector<io::PageRead*> batch;
    for (io::PageRead& read : reads)
        batch.push_back(&read);
    std::int64_t arrived = 0;
    for (auto _ : state) {
        for (io::PageRead* read : batch)
            read->offset = random.below(kPages) * kPage;
        reader.submit(batch);
        const auto finished = reader.reap();
        batch.assign(finished.begin(), finished.end());
        arrived += static_cast<std::int64_t>(batch.size());
        for (const io::PageRead* read : batch)
            if (read->result != static_cast<int>(kPage)) state.SkipWithError("a read failed");
    }
    state.SetItemsProcessed(arrived);
}

void random_reads(benchmark::State& state, IoEngine engine, bool direct) {
    const auto depth = static_cast<std::uint32_t>(state.range(0));
    const auto file = direct ? io::File::open_direct(file_path()) : io::File::open(file_path());
    if (!file) return state.SkipWithError(file.error().message.c_str());
    if (direct && !file->is_direct()) state.SetLabel("no direct I/O on this file system");
    base::AlignedBuffer buffers(std::size_t{depth} * kPage);
    std::vector<io::PageRead> reads(depth);
    for (std::uint32_t i = 0; i < depth; ++i)
        reads[i].buffer = buffers.data() + std::size_t{i} * kPage;
    const io::File* const files[] = {&*file};
    auto reader = io::open_page_reader(engine, {files, buffers.span(), kPage, depth});
    if (!reader) return state.SkipWithError(reader.error().message.c_str());
    read_on(state, **reader, reads);
}

BENCHMARK_CAPTURE(random_reads, uring_cached, IoEngine::kUring, false)
    ->Arg(1)
    ->Arg(8)
    ->Arg(64)
    ->UseRealTime();
BENCHMARK_CAPTURE(random_reads, pread_cached, IoEngine::kPread, false)
    ->Arg(1)
    ->Arg(8)
    ->Arg(64)
    ->UseRealTime();
BENCHMARK_CAPTURE(random_reads, uring_direct, IoEngine::kUring, true)
    ->Arg(1)
    ->Arg(8)
    ->Arg(64)
    ->UseRealTime();
BENCHMARK_CAPTURE(random_reads, pread_direct, IoEngine::kPread, true)
    ->Arg(1)
    ->Arg(8)
    ->Arg(64)
    ->UseRealTime();

}  // namespace
