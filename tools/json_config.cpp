#include "json_config.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace trackway::tools {
namespace {

using Json = nlohmann::ordered_json;

// Numbers as such where the option takes one; file names and the like stay text.
Json value_of(const CLI::Option& option, const std::string& text) {
    const std::string type = option.get_type_name();
    const bool numeric = type == "UINT" || type == "FLOAT" || type.starts_with("SIZE") ||
                         type.starts_with("L1") || type.starts_with("X1");
    const Json parsed = numeric ? Json::parse(text, nullptr, false) : Json();
    return parsed.is_number() ? parsed : Json(text);
}

// "[20,40,80]", as CLI11 shows a list, one by one.
Json default_of(const CLI::Option& option) {
    std::string text = option.get_default_str();
    if (!text.starts_with('[')) return value_of(option, text);
    Json list = Json::array();
    for (std::size_t begin = 1; begin < text.size();) {
        const std::size_t end = std::min(text.find_first_of(",]", begin), text.size());
        list.push_back(value_of(option, text.substr(begin, end - begin)));
        begin = end + 1;
    }
    return list;
}

// Of an option that is not given. Nothing where another that is given excludes it.
bool has_default(const CLI::Option& option) {
    const std::string text = option.get_default_str();
    const auto excluded = option.get_excludes();
    return !text.empty() && text != "[]" &&
           std::none_of(excluded.begin(), excluded.end(),
                        [](const CLI::Option* other) { return other->count() > 0; });
}

std::string text_of(const std::string& name, const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number() || value.is_boolean()) return value.dump();
    throw CLI::ConversionError("configuration: " + name +
                               ": expected a number, text, true or "
                               "false, or a list of these");
}

}  // namespace

std::string JsonConfig::to_config(const CLI::App* app, bool default_also,
                                  bool /*write_description*/, std::string /*prefix*/) const {
    Json object = Json::object();
    for (const CLI::Option* option : app->get_options()) {
        if (option->get_lnames().empty() || !option->get_configurable()) continue;
        const std::string& name = option->get_lnames().front();
        if (option->get_expected_min() == 0) {  // a flag
            const bool set = option->count() > 0 && option->as<bool>();
            if (set || default_also) object[name] = set;
        } else if (option->count() > 1) {
            for (const std::string& text : option->results())
                object[name].push_back(value_of(*option, text));
        } else if (option->count() == 1) {
            object[name] = value_of(*option, option->results().front());
        } else if (default_also && has_default(*option)) {
            object[name] = default_of(*option);
        }
    }
    return object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::vector<CLI::ConfigItem> JsonConfig::from_config(std::istream& input) const {
    const Json object = Json::parse(input, nullptr, false);
    if (object.is_discarded() || !object.is_object()) {
        throw CLI::ConversionError("configuration: expected a JSON object");
    }
    std::vector<CLI::ConfigItem> found;
    for (const auto& [name, value] : object.items()) {
        CLI::ConfigItem item;
        item.name = name;
        if (value.is_array()) {
            for (const Json& entry : value)
                item.inputs.push_back(text_of(name, entry));
        } else {
            item.inputs.push_back(text_of(name, value));
        }
        found.push_back(std::move(item));
    }
    return found;
}

}  // namespace trackway::tools
