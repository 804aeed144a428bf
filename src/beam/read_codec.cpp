#include "beam/read_codec.h"

#include "base/errors.h"
#include "layouts/graph_tables.h"

#include <cstring>
#include <utility>
#include <vector>

namespace trackway::beam {

Result<std::unique_ptr<quant::Codec>> read_codec(const std::filesystem::path& path,
                                                 const layouts::Manifest& manifest,
                                                 const layouts::GraphDescription& graph) {
    TRACKWAY_TRY_ASSIGN(
        bytes,
        layouts::read_table(path, manifest.uuid,
                            layouts::table_shape(layouts::ShardPart::kCodebook, manifest, graph)));
    std::vector<float> table(bytes.size() / sizeof(float));
    std::memcpy(table.data(), bytes.data(), bytes.size());
    auto codec = quant::make_codec(manifest.code_type, manifest.dimension, manifest.code_bytes,
                                   std::move(table));
    if (codec) return codec;
    return base::fail(ErrorCode::kCorruption,
                      base::join(path.string(), ": ", codec.error().message));
}

}  // namespace trackway::beam
