#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <span>
#include <string>

namespace radial::tools {

/// Exit codes of the command.
inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;   ///< the request was fine, carrying it out failed
inline constexpr int kBadUsage = 2;  ///< an argument is wrong; nothing was done

/// A subcommand of `radial`. To add one called NAME, write NAME_command.cpp with a function
/// `Command NAME_command()` and put NAME into the list of CMakeLists.txt.
struct Command {
  std::string name;
  std::string summary;  ///< one line for the list of commands
  /// Adds the options to `app` and returns what to run once they are parsed; that returns an exit
  /// code, or throws (InvalidArgument: bad usage; any other exception: failure).
  std::function<std::function<int()>(CLI::App& app)> add_options;
};

/// Every subcommand of this build, in the order people read them.
std::span<const Command> commands();

}  // namespace radial::tools
