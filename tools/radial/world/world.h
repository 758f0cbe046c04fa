#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace radial::tools {

/// Adds the options of `radial world` and returns what runs it.
std::function<int()> add_world_options(CLI::App& app);

}  // namespace radial::tools
