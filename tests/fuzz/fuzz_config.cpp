// Whatever the text, reading it as a configuration file ends in settings or an error.
#include "program.h"

#include <CLI/CLI.hpp>

#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    trackway::tools::Program program("fuzz", "Reads a configuration file.", "fuzz");
    std::uint32_t number = 0;
    double share = 0;
    std::string text;
    std::vector<std::uint32_t> list;
    bool flag = false;
    program.app().add_option("--number", number);
    program.app().add_option("--share", share);
    program.app().add_option("--text", text);
    program.app().add_option("--list", list)->delimiter(',');
    program.app().add_flag("--flag", flag);
    std::istringstream file(std::string(data, data + size));
    try {
        program.app().parse_from_stream(file);
    } catch (const CLI::Error&) {
        return 0;
    }
    return 0;
}
