// Options of a program as JSON: {"max-degree": 64, "search-list": [20, 40]}.
#pragma once

#include <CLI/CLI.hpp>

#include <istream>
#include <string>
#include <vector>

namespace trackway::tools {

class JsonConfig final : public CLI::Config {
public:
    std::string to_config(const CLI::App* app, bool default_also, bool write_description,
                          std::string prefix) const override;
    // Throws CLI::ConversionError, which the parser turns into exit status 2.
    std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;
};

}  // namespace trackway::tools
