#pragma once

#include <optional>
#include <string>
#include <vector>

#include "generate/request.h"

namespace radial::tools {

/// One video of a run: its prompt and the files it goes to.
struct GenerateJob {
  std::string prompt, output_path, state_path;
  std::optional<std::string> save_latents_path, save_frames_path;
};

/// One for `--prompt`, or one for each prompt of `--prompts-file`, whose files are numbered from 1:
/// fox.mp4 becomes fox_0001.mp4. Throws InvalidArgument if there is no prompt.
std::vector<GenerateJob> jobs_of(const GenerateRequest& request);

}  // namespace radial::tools
