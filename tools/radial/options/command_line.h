#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace radial::tools {

/// The arguments after the program's name, the way CLI11 wants them (last first), with every `_` in
/// the name of a long option turned into `-`: `--block_size` is `--block-size`.
std::vector<std::string> normalized_arguments(int argc, const char* const* argv);

/// What is wrong with the arguments, in one line that names the argument, what was expected and
/// what came; for an option nobody knows also the nearest one that exists.
std::string explain(const CLI::ParseError& error, const CLI::App& root);

}  // namespace radial::tools
