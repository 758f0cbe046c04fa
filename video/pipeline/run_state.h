#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "video/pipeline/denoise.h"

namespace radial::video {

/// What decides a run's latents, by name, in the order people are told of a difference.
using RunSettings = std::vector<std::pair<std::string, std::string>>;

/// A run that was stopped: where it stood, and the settings it was started with.
struct RunState {
  DenoiseState state;
  RunSettings settings;
};

/// Writes a safetensors file (under a temporary name, then renamed): latents, the sampler's
/// history, and the settings in its metadata.
void save_run_state(const std::filesystem::path& path, const DenoiseState& state,
                    const RunSettings& settings);

/// Throws Error if there is no such file, FormatError if it is no kept state.
RunState load_run_state(const std::filesystem::path& path);

/// "seed 1, not 2" for the first setting whose value in `kept` is another than in `wanted`.
std::optional<std::string> first_difference(const RunSettings& kept, const RunSettings& wanted);

}  // namespace radial::video
