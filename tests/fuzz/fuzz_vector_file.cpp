// Whatever the bytes and the extension, opening and reading a vector or ground truth file ends in
// data or an error.
#include "trackway/vector_file.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <unistd.h>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace trackway;
    static const std::array<const char*, 9> kExtensions = {
        ".fbin", ".f16bin", ".u8bin", ".i8bin", ".fvecs", ".bvecs", ".npy", ".ibin", ".ivecs"};
    if (size < 1) return 0;
    const auto folder = std::filesystem::temp_directory_path();
    const std::string extension = kExtensions[data[0] % kExtensions.size()];
    const auto path = folder / ("trackway-fuzz-" + std::to_string(getpid()) + extension);
    std::FILE* file = std::fopen(path.c_str(), "wb");
    if (file == nullptr) return 0;
    std::fwrite(data + 1, 1, size - 1, file);
    std::fclose(file);
    if (const auto vectors = VectorFile::open(path)) {
        std::vector<std::byte> rows(vectors->row_count() * vectors->row_bytes());
        (void)vectors->read(0, rows);
    }
    (void)read_ground_truth(path);
    std::filesystem::remove(path);
    return 0;
}
