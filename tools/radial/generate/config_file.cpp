#include "generate/config_file.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "options/option_values.h"
#include "radial/base/error.h"
#include "video/checkpoint/json_text.h"

namespace radial::tools {
namespace {

class ConfigFile {
 public:
  /// `origin` is the option that leads to the file.
  ConfigFile(CLI::App& app, std::string origin, std::string path)
      : app_(app), origin_(std::move(origin)), path_(std::move(path)) {
    for (const CLI::Option* option : app.get_options()) {
      if (option->count() > 0) given_.insert(option);
    }
  }

  /// Passes over options under these headings.
  void leave_out(const std::string& heading) { left_out_.insert(heading); }

  void apply(const std::string& key, const nlohmann::json& value) {
    CLI::Option& option = option_called(key);
    if (is_given(option) || left_out_.contains(option.get_group())) return;
    if (option.count() > 0) fail(key, "expected once, got it under two names");
    for (const CLI::Option* other : option.get_excludes()) {
      if (other->count() > 0) fail(key, "expected without " + other->get_name());
    }
    const bool is_flag = option.get_items_expected_max() == 0;
    const bool is_empty = value.is_null() || (value.is_array() && value.empty());
    if (is_empty || (is_flag && value == false)) return;
    if (is_flag && value != true) fail(key, "expected true or false, got " + printed(value));
    for (const std::string& text : texts_of(key, option, value)) option.add_result(text);
    try {
      option.run_callback();
    } catch (const InvalidArgument& error) {
      throw InvalidArgument(concat(origin_, ": ", path_, ": ", error.what()));
    } catch (const CLI::ParseError& error) {
      fail(key, "expected another number of values, got " + printed(value));
    }
  }

 private:
  static std::string printed(const nlohmann::json& value) {
    return video::printable(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }

  [[noreturn]] void fail(const std::string& key, const std::string& problem) const {
    throw InvalidArgument(concat(origin_, ": ", path_, ": ", video::printable(key), ": ", problem));
  }

  // The command line wins, also over another spelling of the same: --width over "size".
  bool is_given(const CLI::Option& option) const {
    const auto excluded = option.get_excludes();
    return given_.contains(&option) ||
           std::any_of(excluded.begin(), excluded.end(),
                       [&](const CLI::Option* other) { return given_.contains(other); });
  }

  CLI::Option& option_called(const std::string& key) const {
    std::string name = "--" + key;
    std::replace(name.begin(), name.end(), '_', '-');
    CLI::Option* const found = app_.get_option_no_throw(name);
    if (found != nullptr && name != "--config" && name != "--help") return *found;
    std::vector<std::string> names;
    for (const CLI::Option* option : app_.get_options()) {
      for (const std::string& known : option->get_lnames()) names.push_back("--" + known);
    }
    const std::string nearest = nearest_name(name, names);
    fail(key, concat("expected the name of an option of 'radial ", app_.get_name(), "'",
                     nearest.empty() ? "" : "; did you mean '" + nearest.substr(2) + "'?"));
  }

  std::vector<std::string> texts_of(const std::string& key, const CLI::Option& option,
                                    const nlohmann::json& value) const {
    if (value.is_string()) return {value.get<std::string>()};
    if (value.is_number() || value.is_boolean()) return {value.dump()};
    if (value.is_array() && option.get_items_expected_max() > 1) {
      std::vector<std::string> texts;
      for (const nlohmann::json& item : value) {
        if (!item.is_string() && !item.is_number()) fail(key, "expected a list of texts");
        texts.push_back(item.is_string() ? item.get<std::string>() : item.dump());
      }
      return texts;
    }
    fail(key, "expected a text or a number, got " + printed(value));
  }

  CLI::App& app_;
  std::string origin_, path_;
  std::set<const CLI::Option*> given_;
  std::set<std::string> left_out_;
};

nlohmann::json values_of(const std::string& origin, const std::string& path) {
  try {
    return video::parse_json_object(video::read_text_file(path), path);
  } catch (const Error& error) {
    throw InvalidArgument(concat(origin, ": ", error.what()));
  }
}

bool is_set(CLI::App& app, const char* name) { return app.get_option(name)->count() > 0; }

}  // namespace

void apply_config_file(CLI::App& app, const std::string& path) {
  if (!std::filesystem::is_regular_file(path)) {
    refuse("--config", "a file of JSON that exists", path);
  }
  ConfigFile config(app, "--config", path);
  const nlohmann::json values = values_of("--config", path);
  for (const auto& [key, value] : values.items()) config.apply(key, value);
}

void apply_model_defaults(CLI::App& app, const std::filesystem::path& model, bool with_attention) {
  const std::filesystem::path path = model / kModelDefaults;
  if (!std::filesystem::exists(path)) return;
  ConfigFile config(app, "--model", path.string());
  if (!with_attention || is_set(app, "--rule") || is_set(app, "--preset")) {
    config.leave_out(app.get_option("--rule")->get_group());
    config.leave_out(app.get_option("--dense-layers")->get_group());
  }
  if (is_set(app, "--task")) {
    config.leave_out(app.get_option("--size")->get_group());
    config.leave_out(app.get_option("--flow-shift")->get_group());
  }
  const nlohmann::json values = values_of("--model", path.string());
  for (const auto& [key, value] : values.items()) config.apply(key, value);
}

}  // namespace radial::tools
