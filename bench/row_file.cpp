#include "row_file.h"

#include "trackway/vector_file.h"

#include "base/errors.h"

#include <algorithm>

namespace trackway::bench {
namespace {

constexpr std::uint32_t kDepth = 128;

}  // namespace

Status write_row_file(const std::string& vectors, const std::string& path) {
    TRACKWAY_TRY_ASSIGN(file, VectorFile::open(vectors));
    const RowPlaces places{file.row_bytes()};
    TRACKWAY_TRY_ASSIGN(out, io::StagedFile::create(path));
    std::vector<std::byte> group(places.group_bytes());
    for (std::uint64_t row = 0; row < file.row_count(); row += places.rows_per_group()) {
        const std::uint64_t count =
            std::min<std::uint64_t>(places.rows_per_group(), file.row_count() - row);
        TRACKWAY_TRY(file.read(row, std::span(group).first(count * file.row_bytes())));
        TRACKWAY_TRY(out.append(group));
    }
    return out.publish();
}

RowReader::RowReader(const io::File& file, std::size_t row_bytes, std::size_t rows_at_once)
    : file_(&file),
      places_{row_bytes},
      buffers_(rows_at_once * places_.group_bytes()),
      reads_(rows_at_once * places_.pages_per_group()) {}

Result<std::unique_ptr<RowReader>> RowReader::open(const io::File& file, std::size_t row_bytes,
                                                   std::size_t rows_at_once) {
    std::unique_ptr<RowReader> reader(new RowReader(file, row_bytes, rows_at_once));
    const io::PageReaderSetup setup{.files = std::span(&reader->file_, 1),
                                    .buffers = reader->buffers_.span(),
                                    .page_size_bytes = kRowPageBytes,
                                    .depth = kDepth};
    TRACKWAY_TRY_ASSIGN(pages, io::open_page_reader(IoEngine::kAuto, setup));
    reader->reader_ = std::move(pages);
    return reader;
}

Result<std::uint64_t> RowReader::read(std::span<const std::int64_t> rows) {
    groups_.clear();
    for (const std::int64_t row : rows)
        groups_.push_back(static_cast<std::size_t>(row) / places_.rows_per_group());
    std::sort(groups_.begin(), groups_.end());
    groups_.erase(std::unique(groups_.begin(), groups_.end()), groups_.end());
    std::size_t count = 0;
    for (std::size_t i = 0; i < groups_.size(); ++i) {
        for (std::size_t page = 0; page < places_.pages_per_group(); ++page) {
            io::PageRead& read = reads_[count];
            read.offset = groups_[i] * places_.group_bytes() + page * kRowPageBytes;
            read.buffer = buffers_.data() + count * kRowPageBytes;
            ++count;
        }
    }
    TRACKWAY_TRY(finish_reads(count));
    return count;
}

Status RowReader::finish_reads(std::size_t count) {
    std::size_t submitted = 0;
    std::size_t finished = 0;
    Status status;
    while (finished < count) {
        std::vector<io::PageRead*> next;
        while (submitted < count && next.size() < reader_->free_slots())
            next.push_back(&reads_[submitted++]);
        reader_->submit(next);
        for (const io::PageRead* read : reader_->reap()) {
            ++finished;
            if (read->result == static_cast<int>(kRowPageBytes)) continue;
            status =
                base::fail(ErrorCode::kIo, base::join(file_->path().string(), ": page at ",
                                                      read->offset, ": expected ", kRowPageBytes,
                                                      " bytes, found ", read->result));
        }
    }
    return status;
}

const std::byte* RowReader::row(std::int64_t id) const {
    const std::size_t group = static_cast<std::size_t>(id) / places_.rows_per_group();
    const auto at = std::lower_bound(groups_.begin(), groups_.end(), group) - groups_.begin();
    const std::size_t slot = static_cast<std::size_t>(id) % places_.rows_per_group();
    return buffers_.data() + static_cast<std::size_t>(at) * places_.group_bytes() +
           slot * places_.row_bytes;
}

}  // namespace trackway::bench
