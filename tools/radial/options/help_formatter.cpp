#include "options/help_formatter.h"

#include <algorithm>
#include <sstream>
#include <string_view>
#include <vector>

namespace radial::tools {
namespace {

constexpr std::size_t kTextColumn = 28;
constexpr std::size_t kLineEnd = 98;

// `text` in lines that start at kTextColumn; a line break in `text` is kept.
std::string wrapped(std::string_view text) {
  std::string result;
  std::istringstream paragraphs{std::string(text)};
  for (std::string paragraph; std::getline(paragraphs, paragraph);) {
    std::istringstream words(paragraph);
    std::size_t column = 0;
    for (std::string word; words >> word;) {
      const bool fits = column > 0 && column + 1 + word.size() <= kLineEnd - kTextColumn;
      if (!fits && !result.empty()) result += '\n' + std::string(kTextColumn, ' ');
      if (fits) result += ' ';
      column = fits ? column + 1 + word.size() : word.size();
      result += word;
    }
  }
  return result + '\n';
}

std::string two_columns(std::string left, std::string_view text) {
  left = "  " + left;
  if (left.size() + 2 > kTextColumn) {
    left += '\n' + std::string(kTextColumn, ' ');
  } else {
    left.resize(kTextColumn, ' ');
  }
  return left + wrapped(text);
}

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

std::string HelpFormatter::make_group(std::string heading, bool is_positional,
                                      std::vector<const CLI::Option*> options) const {
  std::string text = heading + ":\n";
  for (const CLI::Option* option : options) text += make_option(option, is_positional);
  return text;
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool) const {
  std::vector<std::string> shown, aliases;
  for (const std::string& name : option->get_snames()) shown.push_back("-" + name);
  for (const std::string& name : option->get_lnames()) {
    const bool canonical = name == option->get_lnames().front();
    (canonical ? shown : aliases).push_back("--" + name);
  }
  std::string left = join(shown);
  if (option->get_type_size() != 0) left += ' ' + option->get_type_name();
  std::string text = option->get_description();
  if (!aliases.empty()) text += "\nSame: " + join(aliases);
  return two_columns(left, text);
}

std::string HelpFormatter::make_subcommand(const CLI::App* command) const {
  return two_columns(command->get_name(), command->get_description());
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string) const {
  const bool has_commands = !app->get_subcommands([](const CLI::App*) { return true; }).empty();
  std::string words = has_commands ? "COMMAND" : "";
  for (; app->get_parent() != nullptr; app = app->get_parent()) {
    words = app->get_name() + (words.empty() ? "" : " ") + words;
  }
  return "Usage: radial " + words + " [options]\n\n";
}

}  // namespace radial::tools
