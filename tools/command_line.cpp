#include "command_line.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <numeric>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

namespace trackway::tools {
namespace {

constexpr std::size_t kColumns = 100;

// The columns that names of options get.
constexpr std::size_t kNameColumns = 30;

class HelpFormatter : public CLI::Formatter {
public:
    HelpFormatter() {
        column_width(kNameColumns);
        label("UINT", "N");
        label("FLOAT", "X");
        label("TEXT", "NAME");
        label("REQUIRED", "(required)");
        label("Excludes", "not with");
    }

    // No two empty lines between groups.
    std::string make_help(const CLI::App* app, std::string name,
                          CLI::AppFormatMode mode) const override {
        std::string text = CLI::Formatter::make_help(app, std::move(name), mode);
        for (std::size_t at = 0; (at = text.find("\n\n\n", at)) != std::string::npos;)
            text.erase(at, 1);
        return text;
    }

    std::string make_option_desc(const CLI::Option* option) const override {
        std::istringstream words(option->get_description());
        std::string text;
        std::size_t column = 0;
        for (std::string word; words >> word; column += word.size() + 1) {
            if (column + word.size() > kColumns - kNameColumns) {
                text += '\n';
                column = 0;
            } else if (!text.empty()) {
                text += ' ';
            }
            text += word;
        }
        return text;
    }
};

// Letters to insert, leave out or replace.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
        }
    }
    return row.back();
}

bool has_option(const CLI::App& app, const std::string& long_name) {
    const auto options = app.get_options();
    return std::any_of(options.begin(), options.end(),
                       [&](const CLI::Option* option) { return option->check_lname(long_name); });
}

}  // namespace

std::optional<std::uint64_t> size_of(const std::string& text) {
    constexpr std::array<std::string_view, 5> kPrefixes = {"", "k", "m", "g", "t"};
    double number = 0;
    const char* end = text.data() + text.size();
    const auto [unit, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
    if (error != std::errc() || !(number >= 0) || text.starts_with('-')) return std::nullopt;
    std::string rest;
    for (const char* at = unit; at != end; ++at) {
        if (*at != ' ') rest += static_cast<char>(std::tolower(static_cast<unsigned char>(*at)));
    }
    for (std::size_t power = 0; power < kPrefixes.size(); ++power) {
        const std::string prefix(kPrefixes[power]);
        if (rest != prefix && rest != prefix + "b" && (power == 0 || rest != prefix + "ib"))
            continue;
        std::uint64_t whole = 0;  // all digits of a number without a fraction count
        const auto parsed = std::from_chars(text.data(), unit, whole);
        const std::uint64_t factor = std::uint64_t{1} << (10 * power);
        if (parsed.ec == std::errc() && parsed.ptr == unit) {
            return whole <= UINT64_MAX / factor ? std::optional(whole * factor) : std::nullopt;
        }
        const double bytes = std::floor(number * static_cast<double>(factor));
        if (!(bytes < 0x1p64) || (bytes == 0 && number > 0)) return std::nullopt;
        return static_cast<std::uint64_t>(bytes);
    }
    return std::nullopt;
}

CLI::Option* add_size(CLI::App& app, const std::string& name, std::uint64_t& value,
                      const std::string& meaning) {
    const CLI::Validator to_bytes(
        [](std::string& text) -> std::string {
            const auto bytes = size_of(text);
            if (!bytes) return "expected a size such as 4096, 512MiB or 1.5GiB, found " + text;
            text = std::to_string(*bytes);
            return {};
        },
        "");
    return app.add_option(name, value, meaning)->transform(to_bytes)->type_name("SIZE");
}

std::shared_ptr<CLI::Formatter> help_formatter() {
    return std::make_shared<HelpFormatter>();
}

std::string nearest_option(const CLI::App& app, const std::string& name) {
    std::string best;
    std::size_t least = std::max<std::size_t>(2, name.size() / 3) + 1;
    for (const CLI::Option* option : app.get_options()) {
        for (const std::string& known : option->get_lnames()) {
            const std::size_t distance = edit_distance(name, known);
            if (distance >= least) continue;
            least = distance;
            best = known;
        }
    }
    return best.empty() ? std::string() : "; did you mean --" + best + "?";
}

std::string unknown_option(const CLI::App& app, int argc, const char* const* argv) {
    for (int i = 1; i < argc; ++i) {
        std::string_view argument = argv[i];
        if (argument == "--") break;
        if (!argument.starts_with("--")) continue;
        argument.remove_prefix(2);
        const std::string name(argument.substr(0, argument.find('=')));
        if (!has_option(app, name)) {
            return "--" + name + ": no option of " + app.get_name() + nearest_option(app, name);
        }
    }
    return {};
}

std::string wrong_value(const CLI::App& app) {
    for (const CLI::Option* option : app.get_options()) {
        const std::string type = option->get_type_name();
        const bool unsigned_number =
            type == "UINT" || type.starts_with("SIZE") || type.starts_with("L1");
        for (const std::string& text : option->results()) {
            if (text.empty()) return option->get_name() + ": expected a value, found nothing";
            std::uint64_t number = 0;
            const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
            if (unsigned_number && text.size() > 1 && text.front() == '0') {  // no octal numbers
                return option->get_name() + ": expected a number without leading zeros, found " +
                       text;
            }
            if (unsigned_number && parsed.ec != std::errc()) {
                return option->get_name() + ": expected 0 to 18446744073709551615, found " + text;
            }
        }
    }
    return {};
}

const CLI::Option* option_named_by(const CLI::App& app, const std::string& message) {
    const std::size_t colon = message.find(':');
    std::string name = message.substr(0, colon);
    std::replace(name.begin(), name.end(), ' ', '-');
    for (const CLI::Option* option : app.get_options()) {
        if (!option->check_lname(name)) continue;
        // A file or folder may bear the name of its option.
        const auto values = option->results();
        if (std::find(values.begin(), values.end(), message.substr(0, colon)) == values.end())
            return option;
    }
    return nullptr;
}

}  // namespace trackway::tools
