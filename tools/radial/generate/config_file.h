#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

namespace radial::tools {

/// Gives the options of `app` the values that the JSON object in `path` has under their names
/// ("num-frames" or "num_frames"; aliases, too), but for options that the command line has set.
/// Flags take true or false, options that may be repeated also lists. Throws InvalidArgument for a
/// key that is no option, naming the nearest one, and for a value that its option refuses.
void apply_config_file(CLI::App& app, const std::string& path);

/// The name of the file in a model's folder that has defaults for this model.
inline constexpr const char* kModelDefaults = "generation_config.json";

/// Gives the options that nobody has set the values of kModelDefaults in `model`, if it is there;
/// it is read as apply_config_file reads one. What it says of attention counts unless a rule or a
/// preset was asked for or `with_attention` is false; --task leaves out what it says of size and
/// sampling.
void apply_model_defaults(CLI::App& app, const std::filesystem::path& model,
                          bool with_attention = true);

}  // namespace radial::tools
