// convert-vectors: from any vector format and element type to any other.
#include "trackway/vector_file.h"

#include "element_conversion.h"
#include "program.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace trackway::tools {
namespace {

struct ConvertOptions {
    std::string input, output;
    std::optional<ElementType> element_type;
    std::uint64_t skip = 0;
    std::uint64_t limit = 0;
};

// What the output's extension fixes; the input's own type for .npy.
ElementType output_type(const ConvertOptions& options, ElementType input) {
    if (options.element_type) return *options.element_type;
    const std::string extension = std::filesystem::path(options.output).extension().string();
    if (extension == ".fbin" || extension == ".fvecs") return ElementType::kFloat32;
    if (extension == ".f16bin") return ElementType::kFloat16;
    if (extension == ".u8bin" || extension == ".bvecs") return ElementType::kUint8;
    if (extension == ".i8bin") return ElementType::kInt8;
    return input;
}

Status convert(const ConvertOptions& options, const std::stop_token& stop) {
    constexpr std::size_t kBlockBytes = std::size_t{8} << 20U;
    const auto input = VectorFile::open(options.input);
    if (!input) return tl::unexpected(input.error());
    if (options.skip >= input->row_count()) {
        return tl::unexpected(Error{ErrorCode::kInvalidArgument,
                                    options.input + ": expected more than " +
                                        std::to_string(options.skip) + " rows to skip, found " +
                                        std::to_string(input->row_count())});
    }
    const std::uint64_t available = input->row_count() - options.skip;
    const std::uint64_t rows = options.limit == 0 ? available : std::min(options.limit, available);
    const ElementType type = output_type(options, input->element_type());
    auto output = VectorFileWriter::create(options.output, type, rows, input->dimension());
    if (!output) return tl::unexpected(output.error());
    const std::uint64_t step = std::max<std::uint64_t>(1, kBlockBytes / input->row_bytes());
    std::vector<std::byte> from;
    std::vector<std::byte> to;
    for (std::uint64_t done = 0; done < rows; done += step) {
        if (stop.stop_requested()) {
            return tl::unexpected(Error{ErrorCode::kCancelled, "the conversion was stopped"});
        }
        const std::uint64_t count = std::min(step, rows - done);
        from.resize(count * input->row_bytes());
        if (Status status = input->read(options.skip + done, from); !status) return status;
        const auto misfit = convert_elements(from, input->element_type(), type, to);
        if (misfit) {
            const std::uint64_t row = options.skip + done + *misfit / input->dimension();
            return tl::unexpected(Error{ErrorCode::kInvalidArgument,
                                        options.input + ": row " + std::to_string(row) +
                                            ": element " +
                                            std::to_string(*misfit % input->dimension()) +
                                            " does not fit " + name_of(type)});
        }
        if (Status status = output->append(to); !status) return status;
    }
    return output->finish();
}

}  // namespace

static int run_program(int argc, char** argv) {
    Program program("convert-vectors",
                    "Converts vectors between file formats and element types. Integers take "
                    "only numbers that they hold exactly; float16 rounds.",
                    "convert-vectors --input base.npy --output base.fbin");
    ConvertOptions options;
    ElementType type = ElementType::kFloat32;
    CLI::App& app = program.app();
    app.add_option("--input", options.input, "vectors to read")->type_name("FILE")->required();
    app.add_option("--output", options.output, "file to write")->type_name("FILE")->required();
    auto* type_option = add_choice(app, "--element-type", type, element_type_names(),
                                   "of a .npy output; other extensions decide themselves");
    type_option->default_str("");
    app.add_option("--skip", options.skip, "rows to leave out at the start");
    app.add_option("--limit", options.limit, "most rows to convert; 0: all");
    return program.run(argc, argv, [&](const std::stop_token& stop) {
        if (type_option->count() > 0) options.element_type = type;
        return convert(options, stop);
    });
}

}  // namespace trackway::tools

int main(int argc, char** argv) {
    return trackway::tools::run_program(argc, argv);
}
