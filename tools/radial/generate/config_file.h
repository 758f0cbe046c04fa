#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace radial::tools {

/// Gives the options of `app` the values that the JSON object in `path` has under their names
/// ("num-frames" or "num_frames"; aliases, too), but for options that the command line has set.
/// Flags take true or false, options that may be repeated also lists. Throws InvalidArgument for a
/// key that is no option, naming the nearest one, and for a value that its option refuses.
void apply_config_file(CLI::App& app, const std::string& path);

}  // namespace radial::tools
