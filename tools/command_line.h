// What the command line of every program needs beyond CLI11: choices, sizes with units, help that
// fits a terminal, wrong options by their names.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace trackway::tools {

// An option that takes one of the names in `choices`, shown in --help.
template <class Value, class T>
CLI::Option* add_choice(CLI::App& app, const std::string& name, Value& value,
                        const std::map<std::string, T>& choices, const std::string& meaning) {
    std::string text;
    for (const auto& [key, choice] : choices)
        text += (text.empty() ? "" : "|") + key;
    auto* option = app.add_option_function<std::string>(
        name, [&value, &choices](const std::string& key) { value = choices.at(key); }, meaning);
    for (const auto& [key, choice] : choices) {
        if (choice == value) option->default_str(key);
    }
    option->type_name(text)->check(CLI::IsMember(choices).description(""));
    return option;
}

// A size such as 4096, 512MiB or 1.5GiB.
CLI::Option* add_size(CLI::App& app, const std::string& name, std::uint64_t& value,
                      const std::string& meaning);

// Bytes that a text such as "1.5GiB" or "20 kb" means, rounded down; units are powers of 1,024.
std::optional<std::uint64_t> size_of(const std::string& text);

// From the least to the most, without a word of it in --help: the meaning says it.
template <class T>
CLI::Validator within(T least, T most) {
    return CLI::Range(least, most).description("");
}

// --help in lines of 100 columns at most.
std::shared_ptr<CLI::Formatter> help_formatter();

// The first argument that is no option of the program, with the one that was likely meant; empty
// where all are. CLI11 would first complain of what is missing.
std::string unknown_option(const CLI::App& app, int argc, const char* const* argv);

// What is wrong with the values of options though CLI11 takes them: "", "-1" and 2^64 for numbers.
std::string wrong_value(const CLI::App& app);

// The option that a message begins with, "max degree: expected ..." for --max-degree; nullptr where
// it begins with something else.
const CLI::Option* option_named_by(const CLI::App& app, const std::string& message);

// "; did you mean --search-list?", or nothing where no name is near.
std::string nearest_option(const CLI::App& app, const std::string& name);

}  // namespace trackway::tools
