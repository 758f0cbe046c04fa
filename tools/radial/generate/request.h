#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "generate/task.h"
#include "options/attention_options.h"
#include "options/engine_options.h"
#include "options/offload_options.h"
#include "options/sampling_options.h"
#include "video/pipeline/text_to_video.h"

namespace radial::tools {

/// What `radial generate` was asked for.
struct GenerateRequest {
  EngineOptions engine;
  OffloadOptions offload;
  SamplingOptions sampling;
  AttentionOptions attention;
  const WanTask* task = nullptr;  ///< null: none was named
  std::optional<std::int64_t> width, height;
  video::VideoSize size;
  video::VaePass vae_pass;
  std::optional<std::string> prompt, prompts_path;
  std::string negative_prompt;
  double guidance = 5.0;
  std::uint64_t seed = 0;
  int fps = 16;
  std::optional<std::string> diffusion_model, latents_path, save_latents_path, save_frames_path;
  std::optional<std::string> config_path;
  std::string output_path;
  std::optional<std::string> preview_path;
  int preview_interval = 5;  ///< steps between two previews
  bool resume = false;
  int keep_every = 0;  ///< 0: keep nothing
  bool cuda_graph = false;
  bool print_mask_stats = false;
  bool quiet = false, json = false, dry_run = false;
};

/// The defaults of `--task` for what was not asked for, and what does nothing and should be said.
/// After parsing, before anything else.
std::vector<std::string> finish_request(GenerateRequest& request);

/// Adds every option of the command. `request` must outlive the parsing and what follows from it.
void add_request_options(CLI::App& app, GenerateRequest& request);

}  // namespace radial::tools
