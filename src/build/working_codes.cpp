#include "build/working_codes.h"

#include "base/errors.h"

#include <bit>
#include <cstddef>
#include <cstring>
#include <utility>

namespace trackway::builder {
namespace {

constexpr const char* kCodesFile = "codes";
constexpr const char* kCodecFile = "codec";
constexpr std::uint64_t kCodecMax = std::uint64_t{4} << 30U;
constexpr std::size_t kTrialValues = 3;

}  // namespace

Result<StageOutput> write_codes(const WorkFolder& work, const MadeCodes& codes) {
    const std::vector<float> table = codes.codec->table();
    TRACKWAY_TRY(work.write(kCodesFile, std::as_bytes(std::span(codes.codes))));
    TRACKWAY_TRY(work.write(kCodecFile, std::as_bytes(std::span(table))));
    StageOutput output{
        .files = {kCodesFile, kCodecFile},
        .values = {static_cast<std::uint64_t>(codes.codec->type()), codes.codec->code_bytes()}};
    for (const CodeTrial& trial : codes.trials) {
        output.values.push_back(static_cast<std::uint64_t>(trial.type));
        output.values.push_back(trial.code_bytes);
        output.values.push_back(std::bit_cast<std::uint64_t>(trial.pages_per_query));
    }
    return output;
}

Result<WorkingCodes> WorkingCodes::open(const WorkFolder& work, const StageOutput& output,
                                        std::uint32_t dimension, io::ResidentLimit& limit) {
    WorkingCodes opened;
    TRACKWAY_TRY_ASSIGN(bytes, io::read_file(work.file(kCodecFile), kCodecMax));
    const std::vector<std::uint64_t>& values = output.values;
    TRACKWAY_TRY(check_output(values.size() >= 2 && values.size() % kTrialValues == 2 &&
                                  values[0] >= 1 && values[0] <= 3 && values[1] >= 1 &&
                                  values[1] <= dimension && bytes.size() % sizeof(float) == 0,
                              work.file(kCodecFile)));
    std::vector<float> table(bytes.size() / sizeof(float));
    std::memcpy(table.data(), bytes.data(), bytes.size());
    TRACKWAY_TRY_ASSIGN(
        codec, quant::make_codec(static_cast<CodeType>(output.values[0]), dimension,
                                 static_cast<std::uint32_t>(output.values[1]), std::move(table)));
    TRACKWAY_TRY_ASSIGN(codes, io::MappedFile::open(work.file(kCodesFile), false, limit));
    opened.codec_ = std::move(codec);
    opened.codes_ = std::move(codes);
    for (std::size_t at = 2; at + kTrialValues <= output.values.size(); at += kTrialValues) {
        opened.trials_.push_back({static_cast<CodeType>(output.values[at]),
                                  static_cast<std::uint32_t>(output.values[at + 1]),
                                  std::bit_cast<double>(output.values[at + 2])});
    }
    return opened;
}

std::span<const std::uint8_t> WorkingCodes::bytes() const noexcept {
    const void* bytes = codes_.bytes().data();
    return {static_cast<const std::uint8_t*>(bytes), codes_.bytes().size()};
}

}  // namespace trackway::builder
