#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace radial::tools {

/// Adds the options of `radial generate` and returns what runs it.
std::function<int()> add_generate_options(CLI::App& app);

}  // namespace radial::tools
