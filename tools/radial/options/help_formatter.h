#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace radial::tools {

/// Help as a newcomer reads it: the canonical name and its value on the left, the explanation
/// wrapped on the right, aliases below it.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_group(std::string heading, bool is_positional,
                         std::vector<const CLI::Option*> options) const override;
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_subcommand(const CLI::App* command) const override;
  std::string make_usage(const CLI::App* app, std::string name) const override;
};

}  // namespace radial::tools
