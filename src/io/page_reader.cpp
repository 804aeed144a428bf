#include "io/page_reader.h"

#include "base/assert.h"

namespace trackway::io {

Result<std::unique_ptr<PageReader>> open_page_reader(IoEngine engine,
                                                     const PageReaderSetup& setup) {
    TRACKWAY_ASSERT(setup.depth > 0 && setup.page_size_bytes > 0 && !setup.files.empty());
    if (engine == IoEngine::kPread) return open_pread_page_reader(setup, {});
    auto reader = open_uring_page_reader(setup);
    if (reader || engine == IoEngine::kUring) return reader;
    return open_pread_page_reader(setup, reader.error().message);
}

}  // namespace trackway::io
