// Asynchronous reads of whole pages. One reader belongs to one thread: the one that opened it.
#pragma once

#include "trackway/options.h"
#include "trackway/result.h"

#include "io/file.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace trackway::io {

// One read, owned by the caller and left alone from submit() until reap() returns it.
struct PageRead {
    std::uint32_t file = 0;       // index into PageReaderSetup::files
    std::uint64_t offset = 0;     // multiple of the page size
    std::byte* buffer = nullptr;  // one page inside PageReaderSetup::buffers
    std::uint32_t owner = 0;      // the caller's own mark
    int result = 0;               // page size; or fewer bytes, where the file ended; or -errno
};

struct PageReaderSetup {
    std::span<const File* const> files;
    std::span<std::byte> buffers;  // page aligned; outlives the reader
    std::uint32_t page_size_bytes = 0;
    std::uint32_t depth = 0;  // most reads in flight
};

class PageReader {
public:
    PageReader() = default;
    PageReader(const PageReader&) = delete;
    PageReader& operator=(const PageReader&) = delete;
    virtual ~PageReader() = default;  // waits for reads in flight

    // Queues the reads; never blocks. REQUIRES: reads.size() <= free_slots().
    virtual void submit(std::span<PageRead* const> reads) = 0;

    // Waits until at least one submitted read has finished, then returns all finished ones; none
    // when none was in flight. The span stays valid until the next call. Short reads are finished
    // inside.
    virtual std::span<PageRead* const> reap() = 0;

    virtual std::size_t free_slots() const noexcept = 0;
    virtual const char* engine() const noexcept = 0;  // "uring", "pread", "memory"
    // One line: what is in use, and why not more.
    virtual const std::string& description() const noexcept = 0;
};

// kUring fails where the kernel refuses the ring; kAuto then opens the pread reader and says why.
Result<std::unique_ptr<PageReader>> open_page_reader(IoEngine engine, const PageReaderSetup& setup);

Result<std::unique_ptr<PageReader>> open_uring_page_reader(const PageReaderSetup& setup);
Result<std::unique_ptr<PageReader>> open_pread_page_reader(const PageReaderSetup& setup,
                                                           const std::string& reason);

}  // namespace trackway::io
