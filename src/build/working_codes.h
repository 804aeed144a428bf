// Codes between the stage that makes them and the index that holds them, in working files.
#pragma once

#include "trackway/builder.h"
#include "trackway/result.h"

#include "build/codes_stage.h"
#include "build/work_folder.h"
#include "io/mapped_file.h"
#include "io/resident_limit.h"
#include "quant/codec.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace trackway::builder {

Result<StageOutput> write_codes(const WorkFolder& work, const MadeCodes& codes);

class WorkingCodes {
public:
    static Result<WorkingCodes> open(const WorkFolder& work, const StageOutput& output,
                                     std::uint32_t dimension, io::ResidentLimit& limit);

    const quant::Codec& codec() const noexcept { return *codec_; }
    // Row v is the code of vertex v.
    std::span<const std::uint8_t> bytes() const noexcept;
    const std::vector<CodeTrial>& trials() const noexcept { return trials_; }

private:
    std::unique_ptr<quant::Codec> codec_;
    io::MappedFile codes_;
    std::vector<CodeTrial> trials_;
};

}  // namespace trackway::builder
