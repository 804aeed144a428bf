#include "json_config.h"

#include <nlohmann/json.hpp>

namespace trackway::tools {
namespace {

using Json = nlohmann::ordered_json;

// Numbers and flags as such, everything else as text.
Json value_of(const std::string& text) {
    const Json parsed = Json::parse(text, nullptr, false);
    const bool plain = parsed.is_number() || parsed.is_boolean();
    return plain ? parsed : Json(text);
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
            if (option->count() > 0 || default_also) object[name] = option->count() > 0;
        } else if (option->count() > 1) {
            for (const std::string& text : option->results())
                object[name].push_back(value_of(text));
        } else if (option->count() == 1) {
            object[name] = value_of(option->results().front());
        } else if (default_also && !option->get_default_str().empty()) {
            object[name] = value_of(option->get_default_str());
        }
    }
    return object.dump(2) + "\n";
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
