#include "options/command_line.h"

#include <algorithm>

#include "options/option_values.h"
#include "radial/base/error.h"

namespace radial::tools {
namespace {

// The command that was named, a command of a command too, or the root where none was.
const CLI::App& parsed_command(const CLI::App& root) {
  const auto commands = root.get_subcommands();
  return commands.empty() ? root : parsed_command(*commands.front());
}

// As one types it: "radial bench attention".
std::string words_of(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent == nullptr ? "radial" : words_of(*parent) + " " + command.get_name();
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<std::string> command_names(const CLI::App& root) {
  std::vector<std::string> names;
  for (const CLI::App* command : root.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

std::string all_of(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string explain_unknown(const CLI::App& root) {
  const CLI::App& command = parsed_command(root);
  const std::string argument = root.remaining(true).front();
  if (!argument.starts_with("-")) {
    if (&command != &root) {
      return concat("argument ", in_quotes(argument), ": expected an option of '",
                    words_of(command), "', which start with --");
    }
    const auto names = command_names(root);
    const std::string nearest = nearest_name(argument, names);
    return concat("command: expected one of ", all_of(names), ", got ", in_quotes(argument),
                  nearest.empty() ? "" : "; did you mean '" + nearest + "'?");
  }
  const std::string name = argument.substr(0, argument.find('='));
  const std::string nearest = nearest_name(name, option_names(command));
  return concat(name, ": expected an option that '", words_of(command), "' knows, got ",
                in_quotes(name),
                nearest.empty() ? "; see '" + words_of(command) + " --help'"
                                : "; did you mean '" + nearest + "'?");
}

// A command of commands, without one of them.
std::string explain_missing_command(const CLI::App& root, const CLI::App& command) {
  const std::vector<std::string> rest = root.remaining(true);
  return concat(command.get_name(), ": expected one of ", all_of(command_names(command)), ", got ",
                rest.empty() ? "nothing" : in_quotes(rest.front()));
}

}  // namespace

std::vector<std::string> normalized_arguments(int argc, const char* const* argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  for (std::string& argument : arguments) {
    if (!argument.starts_with("--")) continue;
    const auto name_end = argument.begin() + std::min(argument.find('='), argument.size());
    std::replace(argument.begin(), name_end, '_', '-');
  }
  std::ranges::reverse(arguments);
  return arguments;
}

std::string explain(const CLI::ParseError& error, const CLI::App& root) {
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) return explain_unknown(root);
  const CLI::App& command = parsed_command(root);
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr &&
      !command_names(command).empty()) {
    return explain_missing_command(root, command);
  }
  std::string text = error.what();
  std::ranges::replace(text, '\n', ' ');
  if (dynamic_cast<const CLI::ExcludesError*>(&error) != nullptr) {
    const std::size_t first_end = text.find(' ');
    return concat(text.substr(0, first_end), " and ", text.substr(text.rfind(' ') + 1),
                  ": expected one of them, got both");
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) == nullptr) return text;
  const std::size_t name_begin = text.find_first_not_of('-');
  const std::string name = text.substr(name_begin, text.find_first_of(": ") - name_begin);
  const char* reason = text.ends_with("flag override") ? "no value after it, got one"
                       : text.find("At Most") != std::string::npos
                           ? "only so many values, got more"
                           : "a value after it, got nothing";
  return concat("--", name, ": expected ", reason);
}

}  // namespace radial::tools
